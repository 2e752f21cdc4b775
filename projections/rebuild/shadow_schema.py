"""The schemas beside that of the live read models: the one that is being built, and the one that was live before."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from psycopg import AsyncConnection, sql

from antiphon.projections.core.migrate import SCHEMA, VERSION, migrate
from antiphon.projections.engine.projection import NAME

#: Where read models are built before they are the live ones.
NEXT: Final = "read_next"
#: What was live before, where it was to be kept.
OLD: Final = "read_old"

_SWITCH: Final = (
    # The writers of what was observed keep their checkpoints among ours: they wait, and find the new table afterwards.
    "LOCK TABLE {live}.checkpoint IN SHARE ROW EXCLUSIVE MODE",
    "DELETE FROM {next}.checkpoint WHERE name <> {events}",
    "INSERT INTO {next}.checkpoint SELECT name, position FROM {live}.checkpoint WHERE name <> {events}",
    "ALTER SCHEMA {live} RENAME TO {old}",
    "ALTER SCHEMA {next} RENAME TO {live}",
)


class Built(NamedTuple):
    """What is in a schema."""

    #: The version of the projections that made it.
    version: int
    #: How far in the log it is.
    position: int


async def built(connection: AsyncConnection[Any], schema: str) -> Built | None:
    """What a schema holds; None where there is no such schema, or nothing that could be gone on with."""
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
    """Make NEXT ready to be filled, and return how far it is: what an interrupted rebuild left there is gone on with.

    It is not where other code made it, or where it is ahead of the log, whose last position is `last`.
    """
    left = await built(connection, NEXT)
    if left is None or left.version != VERSION or left.position > last:
        await drop(connection, NEXT)
        await migrate(postgres_url, NEXT)
        return 0
    return left.position


async def analyze(connection: AsyncConnection[Any]) -> None:
    """Let the server know what NEXT holds, before queries are planned with it."""
    query = "SELECT tablename FROM pg_tables WHERE schemaname = %s"
    tables = [sql.Identifier(NEXT, table) for (table,) in await (await connection.execute(query, (NEXT,))).fetchall()]
    await connection.execute(sql.SQL("ANALYZE {}").format(sql.SQL(", ").join(tables)))


async def switch(connection: AsyncConnection[Any]) -> None:
    """Make NEXT the live read models, and the live ones OLD, of which there are none; needs the turn of the projection.

    Names are looked up when a statement begins, so readers see either all of the one or all of the other.
    """
    names = {"live": SCHEMA, "next": NEXT, "old": OLD}
    identifiers = {key: sql.Identifier(name) for key, name in names.items()}
    async with connection.transaction():
        # Who is told that it is done may rely on it.
        await connection.execute("SET LOCAL synchronous_commit TO on")
        for statement in _SWITCH:
            await connection.execute(sql.SQL(statement).format(**identifiers, events=sql.Literal(NAME)))


async def drop(connection: AsyncConnection[Any], schema: str) -> None:
    """Take a schema away that is not the live one; waits for queries that still read it."""
    await connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))
