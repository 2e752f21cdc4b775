"""Creates and migrates the tables."""

from __future__ import annotations

from importlib.resources import files
from typing import Any, Final, LiteralString

from psycopg import AsyncConnection, sql

#: The schema of the live read models of any version (docs/adr/0007).
SCHEMA: Final = "read_v1"
#: The schema of log lines, presence and reported events, which every schema of read models shares.
OBSERVED: Final = "observed"
#: Raise this version with every change of the read models' tables or of the rows that projections write: the next
#: start then rebuilds the read models in a second schema.
VERSION: Final = 9
#: The advisory lock of a migration: "antiphon" in ASCII, shortened.
_LOCK: Final = 0x616E7469


async def migrate(postgres_url: str, schema: str = SCHEMA) -> None:
    """Create missing tables; idempotent, and safe for several processes at once.

    Existing read models stay unchanged: a rebuild replaces them. Tables that cannot be rebuilt are migrated.
    """
    async with await AsyncConnection.connect(postgres_url, autocommit=True) as connection:
        await connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        await _migrate_lasting(connection)
        found = await connection.execute("SELECT to_regclass(%s)", (f"{schema}.built",))
        if await found.fetchone() == (None,):
            await _build(connection, schema)


async def look_in(connection: AsyncConnection[Any], schema: str = SCHEMA) -> None:
    """Put a schema of read models and the observed tables on the search path of a session."""
    await connection.execute(_with_names("SET search_path TO {}, {}", schema, OBSERVED))


def migrations() -> list[tuple[str, str]]:
    """The migrations of the tables that cannot be rebuilt, in order: name and text."""
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
        # Only this schema is on the path, so that every table is created in it.
        await connection.execute(_with_names("SET LOCAL search_path TO {}", schema))
        await connection.execute("CREATE TABLE built (version integer NOT NULL)")
        await connection.execute("INSERT INTO built VALUES (%s)", (VERSION,))
        # Derived tables need the other tables first: they add triggers to them.
        for _, text in _texts("tables") + _texts("derived"):
            await connection.execute(text.encode())


def _with_names(statement: LiteralString, *names: str) -> sql.Composed:
    return sql.SQL(statement).format(*map(sql.Identifier, names))


def _texts(folder: str) -> list[tuple[str, str]]:
    entries = (files("antiphon.projections.core.schema") / folder).iterdir()
    return sorted((entry.name, entry.read_text()) for entry in entries if entry.name.endswith(".sql"))
