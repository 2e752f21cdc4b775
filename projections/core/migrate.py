"""Creates the tables."""

from __future__ import annotations

from importlib.resources import files
from typing import Any, Final, LiteralString

from psycopg import AsyncConnection, sql

#: The schema of the live read models, whatever version built them (docs/adr/0007).
SCHEMA: Final = "read_v1"
#: The schema of log lines, presence and reported events, which every schema of read models shares.
OBSERVED: Final = "observed"
#: Raise it with every change of the tables of the read models or of what projections write to them: the next start
#: then builds the read models again, beside the live ones.
VERSION: Final = 4
#: The advisory lock of a migration: "antiphon" in ASCII, shortened.
_LOCK: Final = 0x616E7469


async def migrate(postgres_url: str, schema: str = SCHEMA) -> None:
    """Create what is missing; may be repeated, and run by several processes at once.

    Read models that are there stay as they are, whatever version built them: a rebuild replaces them. What cannot be
    built again is migrated.
    """
    async with await AsyncConnection.connect(postgres_url, autocommit=True) as connection:
        await connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        await _migrate_lasting(connection)
        found = await connection.execute("SELECT to_regclass(%s)", (f"{schema}.built",))
        if await found.fetchone() == (None,):
            await _build(connection, schema)


async def look_in(connection: AsyncConnection[Any], schema: str = SCHEMA) -> None:
    """Let a session find the read models of a schema, and what was observed."""
    await connection.execute(_with_names("SET search_path TO {}, {}", schema, OBSERVED))


def migrations() -> list[tuple[str, str]]:
    """Names and texts of the migrations of what cannot be built again, in order."""
    return _texts("lasting")


async def _migrate_lasting(connection: AsyncConnection[Any]) -> None:
    await connection.execute(_with_names("CREATE SCHEMA IF NOT EXISTS {}", OBSERVED))
    await connection.execute(_with_names("CREATE TABLE IF NOT EXISTS {}.migration (file text PRIMARY KEY)", OBSERVED))
    rows = await connection.execute(_with_names("SELECT file FROM {}.migration", OBSERVED))
    applied = {file for (file,) in await rows.fetchall()}
    for name, text in migrations():
        if name not in applied:
            async with connection.transaction():
                await connection.execute(text.encode())
                await connection.execute(_with_names("INSERT INTO {}.migration VALUES (%s)", OBSERVED), (name,))


async def _build(connection: AsyncConnection[Any], schema: str) -> None:
    async with connection.transaction():
        await connection.execute(_with_names("CREATE SCHEMA IF NOT EXISTS {}", schema))
        # This schema alone: all that is created has to be in it.
        await connection.execute(_with_names("SET LOCAL search_path TO {}", schema))
        await connection.execute("CREATE TABLE built (version integer NOT NULL)")
        await connection.execute("INSERT INTO built VALUES (%s)", (VERSION,))
        # What is derived has triggers on the tables.
        for _, text in _texts("tables") + _texts("derived"):
            await connection.execute(text.encode())


def _with_names(statement: LiteralString, *names: str) -> sql.Composed:
    return sql.SQL(statement).format(*map(sql.Identifier, names))


def _texts(folder: str) -> list[tuple[str, str]]:
    entries = (files("antiphon.projections.core.schema") / folder).iterdir()
    return sorted((entry.name, entry.read_text()) for entry in entries if entry.name.endswith(".sql"))
