"""Brings the read models' schema to the present version."""

from __future__ import annotations

from importlib.resources import files
from typing import Any, Final

from psycopg import AsyncConnection, sql

#: The schema of the live read models, whatever made them (docs/adr/0018).
SCHEMA: Final = "read_v1"
#: The schema of what follows from observations, log lines and presence, which every schema of read models shares.
OBSERVED: Final = "observed"
#: What projections make of events: raise it where they make other rows of the same events, or fill a new column. Then
#: the rows that are there are built again, beside the live ones, at the next start.
VERSION: Final = 3
#: Whoever migrates holds this advisory lock: "antiphon" in ASCII, shortened.
_LOCK: Final = 0x616E7469


async def migrate(postgres_url: str, schema: str = SCHEMA) -> None:
    """Apply the SQL files of `projections/schema` that have not been applied; may be repeated and run by several."""
    async with await AsyncConnection.connect(postgres_url, autocommit=True) as connection:
        await connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        await connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))
        # Alone: what is made has to come into it.
        await connection.execute(sql.SQL("SET search_path TO {}").format(sql.Identifier(schema)))
        await connection.execute("CREATE TABLE IF NOT EXISTS migration (file text PRIMARY KEY)")
        rows = await (await connection.execute("SELECT file FROM migration")).fetchall()
        applied = {file for (file,) in rows}
        for name, text in schema_files():
            if name not in applied:
                async with connection.transaction():
                    await connection.execute(text.encode())
                    await connection.execute("INSERT INTO migration VALUES (%s)", (name,))
        # Where nothing has been projected yet, this version will have made everything.
        await connection.execute(
            "UPDATE built SET version = %s WHERE NOT EXISTS (SELECT FROM checkpoint WHERE name = 'events')", (VERSION,)
        )


async def look_in(connection: AsyncConnection[Any], schema: str = SCHEMA) -> None:
    """Let a session find the read models of a schema, and what was observed."""
    path = sql.SQL("SET search_path TO {}, {}").format(sql.Identifier(schema), sql.Identifier(OBSERVED))
    await connection.execute(path)


def schema_files() -> list[tuple[str, str]]:
    """Names and texts of the SQL files, in order."""
    folder = files("antiphon.projections.core.schema")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(name, (folder / name).read_text()) for name in names]
