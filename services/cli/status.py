"""`antiphon status`: what runs where, how far the log is, and how far behind each reader."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import psycopg
from psycopg.rows import tuple_row
from pydantic import BaseModel
from rich.table import Table

from events import subjects
from services.cli import console
from services.cli.data_directory import DataDirectory, RoleEntry, RunFile, ServerEntry
from services.cli.preparation import without_password
from services.runtime.nats import NatsUnusableError, StreamEnd, stream_ends

#: Which stream each projection reads.
_STREAM_OF: Final = {"events": subjects.EVENTS, "observed": subjects.OBSERVED}
_CHECKPOINTS: Final = "SELECT name, position FROM read_v1.checkpoint"
_CONNECT_SECONDS: Final = 5


class Lag(BaseModel):
    """How far behind its stream a reader is."""

    reader: str
    stream: str
    #: The last sequence of the stream.
    last: int
    #: The last one whose effects are committed; None for a work queue, whose handled messages are gone.
    position: int | None
    lag: int


class Status(BaseModel):
    """Everything `antiphon status` tells."""

    pid: int
    started_at: str
    api_url: str | None
    nats_url: str
    processes: list[RoleEntry]
    servers: list[ServerEntry]
    log_position: int | None
    lag: list[Lag]
    #: How many messages nobody could handle; `antiphon parked list` shows them.
    parked: int | None
    #: What could not be found out.
    trouble: list[str]


def status(data_dir: Path) -> Status:
    """Ask a running Antiphon; raises NotRunningError when none runs on the data directory."""
    return asyncio.run(_status(DataDirectory(data_dir).read()))


async def _status(run: RunFile) -> Status:
    trouble: list[str] = []
    ends: dict[str, StreamEnd] = {}
    checkpoints: dict[str, int] = {}
    try:
        ends = await stream_ends(run.nats_url, (subjects.COMMANDS, subjects.PARKED, *_STREAM_OF.values()))
    except NatsUnusableError as error:
        trouble.append(f"NATS at {without_password(run.nats_url)}: {error}")
    try:
        checkpoints = await _checkpoints(run.postgres_url)
    except psycopg.Error as error:
        trouble.append(f"PostgreSQL: {str(error).strip().splitlines()[0]}")
    return Status(
        pid=run.pid,
        started_at=run.started_at,
        api_url=run.api_url,
        nats_url=without_password(run.nats_url),
        processes=run.roles,
        servers=run.servers,
        log_position=ends[subjects.EVENTS].last if subjects.EVENTS in ends else None,
        lag=_lag(ends, checkpoints),
        parked=ends[subjects.PARKED].messages if subjects.PARKED in ends else None,
        trouble=trouble,
    )


async def _checkpoints(url: str) -> dict[str, int]:
    connection = await psycopg.AsyncConnection.connect(url, connect_timeout=_CONNECT_SECONDS, row_factory=tuple_row)
    async with connection:
        return {name: position async for name, position in await connection.execute(_CHECKPOINTS)}


def _lag(ends: dict[str, StreamEnd], checkpoints: dict[str, int]) -> list[Lag]:
    rows = []
    if subjects.COMMANDS in ends:
        end = ends[subjects.COMMANDS]
        rows.append(Lag(reader="policy", stream=subjects.COMMANDS, last=end.last, position=None, lag=end.messages))
    for name, position in sorted(checkpoints.items()):
        stream = _STREAM_OF.get(name, "")
        if stream in ends:
            last = ends[stream].last
            rows.append(Lag(reader=name, stream=stream, last=last, position=position, lag=max(last - position, 0)))
    return rows


def show(status: Status) -> None:
    """Print it for people."""
    console.result(f"Antiphon is running: {status.api_url or 'no gateway here'} (process {status.pid})")
    processes = Table("process", "pid", "port", "since", "restarts")
    for server in status.servers:
        processes.add_row(server.name, str(server.pid), str(server.port), "", "")
    for role in status.processes:
        port = "" if role.port is None else str(role.port)
        processes.add_row(role.role, str(role.pid), port, role.started_at[:19], str(role.restarts))
    console.result(processes)
    if status.log_position is not None:
        console.result(f"Log position: {status.log_position}")
    lag = Table("reader", "stream", "last", "position", "lag")
    for row in status.lag:
        position = "" if row.position is None else str(row.position)
        lag.add_row(row.reader, row.stream, str(row.last), position, str(row.lag))
    if status.lag:
        console.result(lag)
    if status.parked is not None:
        console.result(f"Parked messages: {status.parked}")
    for sentence in status.trouble:
        console.warning(sentence)
