"""`antiphon doctor`: looks at everything that Antiphon stands on, and says what to do about what it finds."""

from __future__ import annotations

import platform
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import datetime
from enum import StrEnum
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
import psutil
import psycopg
import typer
from nats.aio.client import Client
from nats.js.api import StreamConfig
from nats.js.errors import NotFoundError
from pydantic import BaseModel

from events import subjects
from events.log.provision import stream_configurations
from projections.beside import NEXT, built
from projections.migrate import SCHEMA, VERSION, schema_files
from services.cli import console, options, servers
from services.runtime import clock
from services.runtime.nats import brief_connection

_HERE: Final = Path(".antiphon")
_OLDEST_NATS: Final = (2, 12)
_OLDEST_POSTGRES: Final = 140_000
_WORRYING_LAG: Final = 1000
_WORRYING_QUEUE: Final = 1000
_WORRYING_CLOCK_SECONDS: Final = 1.0
_WORRYING_FREE_BYTES: Final = 2_000_000_000
_WORRYING_FREE_PERCENT: Final = 10


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


class Finding(BaseModel):
    """What was looked at, what was found, and what to do about it."""

    subject: str
    level: Level
    found: str
    advice: str = ""


def doctor(
    data_dir: options.DataDir = _HERE,
    nats_url: options.NatsUrl = None,
    postgres_url: options.PostgresUrl = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,  # noqa: FBT002
) -> None:
    """Look at versions, durability, schema, lag, clocks, parked messages, disk; exit code 1 if there is a problem."""
    servers.run(_doctor(data_dir, nats_url, postgres_url, as_json=as_json))


async def _doctor(data_dir: Path, nats_url: str | None, postgres_url: str | None, *, as_json: bool) -> None:
    nats, postgres = servers.nats_url(data_dir, nats_url), servers.postgres_url(data_dir, postgres_url)
    findings = [_ok("antiphon", f"{installed_version('antiphon')} on Python {platform.python_version()}")]
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(brief_connection(nats))
        connection = await stack.enter_async_context(
            await psycopg.AsyncConnection.connect(postgres, autocommit=True, connect_timeout=5)
        )
        async for finding in _examine(client, connection, data_dir):
            findings.append(finding)  # noqa: PERF401  it is not a list yet
    if as_json:
        console.raw(orjson.dumps([finding.model_dump() for finding in findings]).decode())
    else:
        _show(findings)
    if any(finding.level is Level.PROBLEM for finding in findings):
        raise typer.Exit(1)


async def _examine(client: Client, connection: psycopg.AsyncConnection[Any], data_dir: Path) -> AsyncIterator[Finding]:
    yield _nats_version(client)
    yield _nats_sync(data_dir / "nats" / "nats-server.conf")
    yield await _streams(client)
    yield await _postgres_version(connection)
    yield await _postgres_fsync(connection)
    yield await _schema(connection)
    yield await _rows(connection)
    yield await _clock(connection)
    for finding in await _positions(client, connection):
        yield finding
    yield _disk(data_dir)


def _ok(subject: str, found: str) -> Finding:
    return Finding(subject=subject, level=Level.OK, found=found)


def _judged(subject: str, found: str, *, is_well: bool, advice: str, level: Level = Level.PROBLEM) -> Finding:
    if is_well:
        return _ok(subject, found)
    return Finding(subject=subject, level=level, found=found, advice=advice)


def _nats_version(client: Client) -> Finding:
    version = client.connected_server_version
    return _judged(
        "nats-server",
        str(version),
        is_well=(version.major, version.minor) >= _OLDEST_NATS,
        advice="atomic batches need 2.12 or later: upgrade it",
    )


def _nats_sync(configuration: Path) -> Finding:
    try:
        text = configuration.read_text()
    except OSError:
        return Finding(
            subject="log durability",
            level=Level.WARNING,
            found="the server is not one of ours, its configuration cannot be seen",
            advice="make sure that its jetstream block says `sync_interval: always`: else acknowledged is not on disk",
        )
    return _judged(
        "log durability",
        "every message is on disk before it is acknowledged",
        is_well="sync_interval: always" in text,
        advice=f"set `sync_interval: always` in {configuration}",
    )


async def _streams(client: Client) -> Finding:
    wrong = []
    for wanted in stream_configurations(1):
        name = wanted.name or ""
        try:
            found = (await client.jetstream().stream_info(name)).config
        except NotFoundError:
            wrong.append(f"{name} is missing")
            continue
        wrong += [f"{name}: {difference}" for difference in _differences(found, wanted)]
    return _judged(
        "streams",
        "; ".join(wrong) or "as they should be",
        is_well=not wrong,
        advice="`antiphon start` brings them to what they should be; deny_delete and deny_purge can only be set anew",
    )


def _differences(found: StreamConfig, wanted: StreamConfig) -> list[str]:
    return [
        f"{setting} is {getattr(found, setting)}, not {getattr(wanted, setting)}"
        for setting in ("retention", "discard", "deny_delete", "deny_purge", "allow_atomic", "allow_direct", "max_age")
        # Absent is the same as off.
        if (getattr(found, setting) or None) != (getattr(wanted, setting) or None)
    ]


async def _one(connection: psycopg.AsyncConnection[Any], query: str) -> Any:
    row = await (await connection.execute(query.encode())).fetchone()
    return row[0] if row else None


async def _postgres_version(connection: psycopg.AsyncConnection[Any]) -> Finding:
    number = connection.info.server_version
    return _judged(
        "PostgreSQL",
        str(await _one(connection, "SHOW server_version")),
        is_well=number >= _OLDEST_POSTGRES,
        advice="upgrade it to 14 or later",
    )


async def _postgres_fsync(connection: psycopg.AsyncConnection[Any]) -> Finding:
    off = [name for name in ("fsync", "full_page_writes") if await _one(connection, f"SHOW {name}") != "on"]
    return _judged(
        "database durability",
        f"{' and '.join(off)} off" if off else "survives a crash",
        is_well=not off,
        advice="switch them on: a crash may ruin tables, which must then be built again, and the archive",
    )


async def _schema(connection: psycopg.AsyncConnection[Any]) -> Finding:
    wanted = {name for name, _ in schema_files()}
    if await _one(connection, "SELECT to_regclass('read_v1.migration')") is None:
        applied = set[str]()
    else:
        rows = await (await connection.execute("SELECT file FROM read_v1.migration")).fetchall()
        applied = {file for (file,) in rows}
    missing, unknown = sorted(wanted - applied), sorted(applied - wanted)
    found = f"missing: {', '.join(missing)}" if missing else f"newer than this: {', '.join(unknown)}" if unknown else ""
    return _judged(
        "schema",
        found or f"{len(wanted)} files, all applied",
        is_well=not found,
        advice="`antiphon start` applies what is missing" if missing else "this Antiphon is older than its database",
    )


async def _rows(connection: psycopg.AsyncConnection[Any]) -> Finding:
    live, begun = await built(connection, SCHEMA), await built(connection, NEXT)
    found = "" if begun is None else f"; a rebuild is at {begun.position}"
    return _judged(
        "rows",
        f"made by version {live.version if live else VERSION} of the projections{found}",
        is_well=not found and (live is None or live.version == VERSION),
        advice="`antiphon rebuild` builds them, or goes on where one was broken off",
        level=Level.WARNING,
    )


async def _clock(connection: psycopg.AsyncConnection[Any]) -> Finding:
    before = clock.now()
    theirs: datetime = await _one(connection, "SELECT clock_timestamp()")
    after = clock.now()
    ahead = max((before - theirs).total_seconds(), (theirs - after).total_seconds(), 0.0)
    return _judged(
        "clocks",
        f"{ahead:.3f} s between this machine and PostgreSQL's",
        is_well=ahead <= _WORRYING_CLOCK_SECONDS,
        advice="synchronise them (NTP): schedules and late runs depend on the time",
        level=Level.WARNING,
    )


async def _positions(client: Client, connection: psycopg.AsyncConnection[Any]) -> list[Finding]:
    ends = {}
    for name in (subjects.EVENTS, subjects.COMMANDS, subjects.PARKED):
        try:
            ends[name] = (await client.jetstream().stream_info(name)).state
        except NotFoundError:
            return []
    last = ends[subjects.EVENTS].last_seq
    read = archived = 0
    if await _one(connection, "SELECT to_regclass('read_v1.checkpoint')") is not None:
        read = await _one(connection, "SELECT coalesce(max(position), 0) FROM read_v1.checkpoint WHERE name = 'events'")
    if await _one(connection, "SELECT to_regclass('archive.chain')") is not None:
        archived = await _one(connection, "SELECT coalesce(max(position), 0) FROM archive.chain")
    return [
        _behind("projection", read, last),
        _behind("archive", archived, last),
        _judged(
            "commands",
            f"{ends[subjects.COMMANDS].messages} wait to be decided",
            is_well=ends[subjects.COMMANDS].messages < _WORRYING_QUEUE,
            advice="is the policy running? `antiphon status`, and its log",
            level=Level.WARNING,
        ),
        _judged(
            "parked",
            f"{ends[subjects.PARKED].messages} messages",
            is_well=not ends[subjects.PARKED].messages,
            advice="`antiphon parked list` says what and why; repair that, then `antiphon parked replay --all`",
            level=Level.WARNING,
        ),
    ]


def _behind(subject: str, position: int, last: int) -> Finding:
    if position > last:
        return Finding(
            subject=subject,
            level=Level.PROBLEM,
            found=f"at {position}, ahead of the log at {last}",
            advice="the log was lost or exchanged: restore it, or start with an empty database",
        )
    return _judged(
        subject,
        f"{last - position} events behind the log at {last}",
        is_well=last - position < _WORRYING_LAG,
        advice="is the projector running? `antiphon status`, and its log",
        level=Level.WARNING,
    )


def _disk(data_dir: Path) -> Finding:
    place = data_dir if data_dir.exists() else Path.cwd()
    usage = psutil.disk_usage(str(place))
    return _judged(
        "disk",
        f"{usage.free / 1e9:.1f} GB free of {usage.total / 1e9:.1f} GB at {place}",
        is_well=usage.free > _WORRYING_FREE_BYTES and 100 - usage.percent > _WORRYING_FREE_PERCENT,
        advice="make room: the log refuses new events, rather than drop old ones, when the disk is full",
        level=Level.WARNING,
    )


def _show(findings: list[Finding]) -> None:
    styles = {Level.OK: console.result, Level.WARNING: console.warning, Level.PROBLEM: console.failure}
    for finding in findings:
        advice = f"\n{'':9}{'':21}{finding.advice}" if finding.advice else ""
        styles[finding.level](f"{finding.level.value:<9}{finding.subject:<21}{finding.found}{advice}")
