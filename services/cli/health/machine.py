"""Checks this machine: clock, disk, permissions of the data directory."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import orjson
import psutil
import psycopg
from nats.aio.client import Client

from antiphon.events import subjects
from antiphon.services.cli.health.database import one
from antiphon.services.cli.health.finding import Finding, Severity, judged
from antiphon.services.runtime import clock

_WORRYING_CLOCK_SECONDS: Final = 1.0
_WORRYING_FREE_BYTES: Final = 2_000_000_000
_WORRYING_FREE_PERCENT: Final = 10
#: They hold the database's password, or the data itself.
_PRIVATE: Final = ("run.json", "nats", "postgres/data")


async def examined(client: Client, connection: psycopg.AsyncConnection[Any], data_dir: Path) -> AsyncIterator[Finding]:
    """Check this machine."""
    yield await _clocks(client, connection)
    yield _disk(data_dir)
    yield _files(data_dir)


async def _clocks(client: Client, connection: psycopg.AsyncConnection[Any]) -> Finding:
    before = clock.now()
    answer = orjson.loads((await client.request(f"$JS.API.STREAM.INFO.{subjects.EVENTS}")).data)
    theirs = datetime.fromisoformat(answer["ts"]) if "ts" in answer else before
    between = clock.now()
    log = _apart(before, theirs, between)
    database = _apart(between, await one(connection, "SELECT clock_timestamp()"), clock.now())
    return judged(
        "clocks",
        f"{log:.3f} s between this machine and the log's, {database:.3f} s to the database's",
        is_well=max(log, database) <= _WORRYING_CLOCK_SECONDS,
        advice="synchronise them (NTP): schedules, leases and late runs depend on the time",
        severity=Severity.WARNING,
    )


def _apart(before: datetime, theirs: datetime, after: datetime) -> float:
    """The least difference of a clock that was read between two moments of ours."""
    return max((before - theirs).total_seconds(), (theirs - after).total_seconds(), 0.0)


def _disk(data_dir: Path) -> Finding:
    place = data_dir if data_dir.exists() else Path.cwd()
    usage = psutil.disk_usage(str(place))
    return judged(
        "disk",
        f"{usage.free / 1e9:.1f} GB free of {usage.total / 1e9:.1f} GB at {place}",
        is_well=usage.free > _WORRYING_FREE_BYTES and 100 - usage.percent > _WORRYING_FREE_PERCENT,
        advice="make room: the log refuses new events, rather than drop old ones, when the disk is full",
        severity=Severity.WARNING,
    )


def _files(data_dir: Path) -> Finding:
    there = [data_dir / name for name in _PRIVATE if (data_dir / name).exists()]
    is_closed = data_dir.exists() and not data_dir.stat().st_mode & stat.S_IXOTH
    open_ones = " ".join(str(path) for path in there if not is_closed and path.stat().st_mode & stat.S_IRWXO)
    return judged(
        "files",
        f"other users can get at {open_ones}" if open_ones else "no other user can get at the data",
        is_well=not open_ones,
        advice=f"chmod o-rwx {open_ones}",
        severity=Severity.WARNING,
    )
