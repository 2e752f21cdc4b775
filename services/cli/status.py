"""`antiphon status`: the processes, the end of the log, and the lag of its readers."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import psycopg
from nats.js.api import StreamState
from pydantic import BaseModel
from rich.table import Table

from antiphon.events import subjects
from antiphon.projections.engine import parked_streams
from antiphon.projections.engine.parked_streams import ParkedTotals
from antiphon.services.cli import console, lag
from antiphon.services.cli.data_directory import DataDirectory, RoleEntry, ServerEntry
from antiphon.services.cli.lag import Lag
from antiphon.services.cli.preparation import without_password
from antiphon.services.runtime.nats import NatsUnusableError, brief_connection, stream_states

_CONNECT_SECONDS: Final = 5


class StatusReport(BaseModel):
    """The answer of `antiphon status`."""

    pid: int
    started_at: str
    api_url: str | None
    nats_url: str
    processes: list[RoleEntry]
    servers: list[ServerEntry]
    log_position: int | None
    lag: list[Lag]
    #: The number of commands and observations that no process could handle; `antiphon parked list` shows them.
    parked: int | None
    #: The number of event streams with an event that could not be projected; `antiphon parked streams` shows them.
    parked_event_streams: int | None
    #: The number of events behind these.
    parked_waiting_events: int | None
    #: Servers that did not answer.
    trouble: list[str]


async def show(data_dir: Path, *, as_json: bool) -> None:
    """Print it, for people or for programs."""
    found = await status(data_dir)
    if as_json:
        console.raw(found.model_dump_json(indent=2))
    else:
        _print(found)


async def status(data_dir: Path) -> StatusReport:
    """Ask a running Antiphon; raises NotRunningError when none runs on the data directory."""
    run = DataDirectory(data_dir).read()
    trouble: list[str] = []
    states: dict[str, StreamState] = {}
    lags: list[Lag] = []
    positions: list[tuple[str, int]] = []
    totals: ParkedTotals | None = None
    try:
        async with await psycopg.AsyncConnection.connect(run.postgres_url, connect_timeout=_CONNECT_SECONDS) as tables:
            positions, totals = await lag.positions(tables), await parked_streams.totals(tables)
    except psycopg.Error as error:
        trouble.append(f"PostgreSQL: {str(error).strip().splitlines()[0]}")
    try:
        async with brief_connection(run.nats_url) as client:
            states = await stream_states(client, subjects.STREAMS)
            lags = await lag.on_nats(client, states) + await lag.of_projections(client, positions, states)
    except NatsUnusableError as error:
        trouble.append(f"NATS at {without_password(run.nats_url)}: {error}")
    return StatusReport(
        pid=run.pid,
        started_at=run.started_at,
        api_url=run.api_url,
        nats_url=without_password(run.nats_url),
        processes=run.roles,
        servers=run.servers,
        log_position=states[subjects.EVENTS].last_seq if states else None,
        lag=lags,
        parked=states[subjects.PARKED].messages if states else None,
        parked_event_streams=totals.event_streams if totals else None,
        parked_waiting_events=totals.waiting_events if totals else None,
        trouble=trouble,
    )


def _print(status: StatusReport) -> None:
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
    readers = Table("reader", "stream", "last", "position", "lag")
    for row in status.lag:
        position = "" if row.position is None else str(row.position)
        readers.add_row(row.reader, row.stream, str(row.last), position, str(row.lag))
    if status.lag:
        console.result(readers)
    if status.parked is not None:
        console.result(f"Parked messages: {status.parked}")
    if status.parked_event_streams is not None:
        behind = (
            f", and {status.parked_waiting_events} events wait behind theirs" if status.parked_event_streams else ""
        )
        console.result(f"Parked event streams: {status.parked_event_streams}{behind}")
    for sentence in status.trouble:
        console.warning(sentence)
