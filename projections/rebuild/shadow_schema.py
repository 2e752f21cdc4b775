"""The schema that a rebuild fills, and the schema of the former live read models."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from psycopg import AsyncConnection, sql

from antiphon.projections.core.migrate import SCHEMA, VERSION, migrate
from antiphon.projections.engine.projection import NAME

#: The schema that a rebuild fills.
NEXT: Final = "read_next"
#: The former live read models, if they are to be kept.
OLD: Final = "read_old"

_SWITCH: Final = (
    # Other projections have their checkpoints in this table: their writers wait, and then find the new table.
    "LOCK TABLE {live}.checkpoint IN SHARE ROW EXCLUSIVE MODE",
    "DELETE FROM {next}.checkpoint WHERE name <> {events}",
    "INSERT INTO {next}.checkpoint SELECT name, position FROM {live}.checkpoint WHERE name <> {events}",
    "ALTER SCHEMA {live} RENAME TO {old}",
    "ALTER SCHEMA {next} RENAME TO {live}",
)


class Built(NamedTuple):
    """The content of a schema."""

    #: The version of the projections that built it.
    version: int
    #: The checkpoint of the events.
    position: int


async def built(connection: AsyncConnection[Any], schema: str) -> Built | None:
    """The content of a schema; None if there is no such schema, or nothing to continue."""
    parts = [(f"{schema}.{table}",) for table in ("built", "checkpoint")]
    found = [await (await connection.execute("SELECT to_regclass(%s)", part)).fetchone() for part in parts]
    if (None,) in found:
        return None
    query = sql.SQL(
        "SELECT (SELECT max(version) FROM {schema}.built),"
        " coalesce((SELECT position FROM {schema}.checkpoint WHERE name = {events}), 0)"
    ).format(schema=sql.Identifier(schema), events=sql.Literal(NAME))
    row = await (await connection.execute(query)).fetchone()
    return Built(*row) if row and row[0] is not None else None


async def begin(connection: AsyncConnection[Any], postgres_url: str, last: int) -> int:
    """Prepare NEXT, and return its checkpoint: an interrupted rebuild is continued.

    It is started again if another version built it, or if it is ahead of the log, whose last position is `last`.
    """
    left = await built(connection, NEXT)
    if left is None or left.version != VERSION or left.position > last:
        await drop(connection, NEXT)
        await migrate(postgres_url, NEXT)
        return 0
    return left.position


async def analyze(connection: AsyncConnection[Any]) -> None:
    """Collect statistics of NEXT before queries are planned with it."""
    query = "SELECT tablename FROM pg_tables WHERE schemaname = %s"
    tables = [sql.Identifier(NEXT, table) for (table,) in await (await connection.execute(query, (NEXT,))).fetchall()]
    await connection.execute(sql.SQL("ANALYZE {}").format(sql.SQL(", ").join(tables)))


async def switch(connection: AsyncConnection[Any]) -> None:
    """Make NEXT the live read models, and the live ones OLD, which must not exist; needs the projector's lock.

    A statement resolves names when it begins, so readers see either the old or the new rows.
    """
    names = {"live": SCHEMA, "next": NEXT, "old": OLD}
    identifiers = {key: sql.Identifier(name) for key, name in names.items()}
    async with connection.transaction():
        # A caller may rely on the exchange, so its commit waits for the disk.
        await connection.execute("SET LOCAL synchronous_commit TO on")
        for statement in _SWITCH:
            await connection.execute(sql.SQL(statement).format(**identifiers, events=sql.Literal(NAME)))


async def drop(connection: AsyncConnection[Any], schema: str) -> None:
    """Drop a schema that is not live; waits for queries that still read it."""
    await connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))
