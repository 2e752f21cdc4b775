"""Brings the read models' schema to the present version."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

from psycopg import AsyncConnection, sql

#: The schema of the present version of the read models; a new version is built beside the old one.
SCHEMA: Final = "read_v1"
#: Whoever migrates holds this advisory lock: "antiphon" in ASCII, shortened.
_LOCK: Final = 0x616E7469


async def migrate(postgres_url: str) -> None:
    """Apply the SQL files of `projections/schema` that have not been applied; may be repeated and run by several."""
    async with await AsyncConnection.connect(postgres_url, autocommit=True) as connection:
        await connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        await connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(SCHEMA)))
        await connection.execute(sql.SQL("SET search_path TO {}").format(sql.Identifier(SCHEMA)))
        await connection.execute("CREATE TABLE IF NOT EXISTS migration (file text PRIMARY KEY)")
        rows = await (await connection.execute("SELECT file FROM migration")).fetchall()
        applied = {file for (file,) in rows}
        for name, text in schema_files():
            if name not in applied:
                async with connection.transaction():
                    await connection.execute(text.encode())
                    await connection.execute("INSERT INTO migration VALUES (%s)", (name,))


def schema_files() -> list[tuple[str, str]]:
    """Names and texts of the SQL files, in order."""
    folder = files("projections.schema")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(name, (folder / name).read_text()) for name in names]
