"""Checks the database: version, durability, schema, permissions of this user."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

import psycopg

from antiphon.projections.core.migrate import SCHEMA, VERSION, migrations
from antiphon.projections.rebuild.shadow_schema import NEXT, built
from antiphon.services.cli.health.finding import Finding, Severity, judged

_OLDEST: Final = 150_000
#: Tables that a role must read and write, and may not.
_FORBIDDEN: Final = """
SELECT string_agg(n.nspname || '.' || c.relname, ', ' ORDER BY n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('read_v1', 'observed', 'archive') AND c.relkind IN ('r', 'p')
  AND NOT (has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
           AND has_table_privilege(c.oid, 'INSERT'))
"""


async def examined(connection: psycopg.AsyncConnection[Any]) -> AsyncIterator[Finding]:
    """Check the server and the database of a connection."""
    yield await _version(connection)
    yield await _fsync(connection)
    yield await _schema(connection)
    yield await _rows(connection)
    yield await _permissions(connection)


async def one(connection: psycopg.AsyncConnection[Any], query: str) -> Any:
    """The first value of the first row."""
    row = await (await connection.execute(query.encode())).fetchone()
    return row[0] if row else None


async def _version(connection: psycopg.AsyncConnection[Any]) -> Finding:
    number = connection.info.server_version
    return judged(
        "PostgreSQL",
        str(await one(connection, "SHOW server_version")),
        is_well=number >= _OLDEST,
        advice="upgrade it to 15 or later",
    )


async def _fsync(connection: psycopg.AsyncConnection[Any]) -> Finding:
    off = [name for name in ("fsync", "full_page_writes") if await one(connection, f"SHOW {name}") != "on"]
    return judged(
        "database durability",
        f"{' and '.join(off)} off" if off else "survives a crash",
        is_well=not off,
        advice="switch them on: a crash may ruin tables, which must then be built again, and the archive",
    )


async def _schema(connection: psycopg.AsyncConnection[Any]) -> Finding:
    wanted = {name for name, _ in migrations()}
    if await one(connection, "SELECT to_regclass('observed.migration')") is None:
        applied = set[str]()
    else:
        rows = await (await connection.execute("SELECT file FROM observed.migration")).fetchall()
        applied = {file for (file,) in rows}
    missing, unknown = sorted(wanted - applied), sorted(applied - wanted)
    found = f"missing: {', '.join(missing)}" if missing else f"newer than this: {', '.join(unknown)}" if unknown else ""
    return judged(
        "schema",
        found or f"{len(wanted)} files, all applied",
        is_well=not found,
        advice="`antiphon start` applies what is missing" if missing else "this Antiphon is older than its database",
    )


async def _rows(connection: psycopg.AsyncConnection[Any]) -> Finding:
    live, begun = await built(connection, SCHEMA), await built(connection, NEXT)
    found = "" if begun is None else f"; a rebuild is at {begun.position}"
    version = live.version if live else VERSION
    return judged(
        "rows",
        f"made by version {version} of the projections{found}",
        is_well=not found and version == VERSION,
        advice="this Antiphon is older than its database"
        if version > VERSION
        else "`antiphon rebuild` builds them, or goes on where one was broken off",
        severity=Severity.WARNING,
    )


async def _permissions(connection: psycopg.AsyncConnection[Any]) -> Finding:
    forbidden = await one(connection, _FORBIDDEN)
    user = await one(connection, "SELECT current_user")
    return judged(
        "database permissions",
        f"{user} may not read and write {forbidden}" if forbidden else f"{user} may read and write all tables",
        is_well=not forbidden,
        advice=f"the projector needs that: GRANT SELECT, INSERT, UPDATE, DELETE ON them to {user}, or let it own them",
    )
