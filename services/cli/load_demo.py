"""`antiphon load-demo`: fills a running Antiphon with made-up flow runs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Annotated, Any, Final

import typer
from psycopg import AsyncConnection
from rich.progress import Progress, TaskID

from antiphon.events.client.client import Client
from antiphon.events.log.errors import LogError
from antiphon.events.log.nats.jetstream import JetStreamLog
from antiphon.events.log.port import MAX_DRAFTS, Draft
from antiphon.projections.core.reading import configure
from antiphon.projections.engine.projection import NAME
from antiphon.projections.engine.writer import position_of
from antiphon.services.cli import console, options, servers
from antiphon.services.cli.demo.flows import make_flows
from antiphon.services.cli.demo.runs import Runs
from antiphon.services.runtime import clock

_HERE: Final = Path(".antiphon")
_LOOK_SECONDS: Final = 0.25
#: After so long without a step the projector is taken not to run.
_PATIENCE_SECONDS: Final = 60.0
#: Disks that others keep busy may take their time.
_STORE_SECONDS: Final = 60.0


def load_demo(
    runs: Annotated[int, typer.Option(min=1, help="How many flow runs.")] = 1000,
    data_dir: options.DataDir = _HERE,
    nats_url: options.NatsUrl = None,
    postgres_url: options.PostgresUrl = None,
) -> None:
    """Fill a running Antiphon with made-up flow runs: to try how it does when it is full.

    They lie in the past 30 days and the coming one: of ten flows, with deployments, tags and parameters; most have
    completed, some have failed, are late or scheduled. Flows and deployments are created by commands. The events of
    runs are appended to the log as they are, in atomic batches: nothing is asked of a policy, as runs that
    have just been invented meet no rule, claim no name and take no slot. Only a few runs are in memory at a time.
    It ends when every query shows all of them; to add more, say it again.
    """
    servers.run(_load(data_dir, nats_url, postgres_url, runs))


async def _load(data_dir: Path, nats_url: str | None, postgres_url: str | None, runs: int) -> None:
    nats, postgres = servers.nats_url(data_dir, nats_url), servers.postgres_url(data_dir, postgres_url)
    started = clock.monotonic()
    async with servers.connection(nats) as client, await AsyncConnection.connect(postgres) as connection:
        await configure(connection)
        origins = await make_flows(Client(client, timeout_seconds=_STORE_SECONDS))
        log = JetStreamLog(client, timeout_seconds=_STORE_SECONDS)
        before = await log.last_position()
        made = Runs(origins, clock.now(), runs, Random())  # noqa: S311  no secrets
        with console.bars() as bars:
            tables = _Tables(connection, before, bars, bars.add_task("tables", total=None))
            await _append(log, made, runs, bars, tables)
            end = await log.last_position()
            await tables.until(end)
    seconds = clock.monotonic() - started
    rate = runs / seconds
    console.result(f"Loaded {runs:,} flow runs ({end - before:,} events) in {seconds:,.1f} s: {rate:,.0f} runs/s")


async def _append(log: JetStreamLog, made: Runs, runs: int, bars: Progress, tables: _Tables) -> None:
    """Append the events of all runs, each batch while the next one is made."""
    task = bars.add_task("log", total=runs)
    storing: asyncio.Task[Any] | None = None
    for count, batch in _batches(made, runs):
        if storing is not None:
            await storing
        storing = asyncio.create_task(log.append(batch, {}))
        # It is sent before the next batch is made, which takes a while.
        await asyncio.sleep(0)
        await tables.look()
        bars.update(task, completed=count)
    if storing is not None:
        await storing


def _batches(made: Runs, runs: int) -> Iterator[tuple[int, list[Draft]]]:
    """Batches of whole runs, and how many runs there are up to the end of each."""
    batch: list[Draft] = []
    for number in range(runs):
        drafts = made.make(number)
        if len(batch) + len(drafts) > MAX_DRAFTS:
            yield number, batch
            batch = []
        batch += drafts
    yield runs, batch


class _Tables:
    """How far the read models are with what was appended."""

    def __init__(self, connection: AsyncConnection[Any], before: int, bars: Progress, task: TaskID) -> None:
        self._connection = connection
        self._before = before
        self._bars = bars
        self._task = task
        self._position = before
        self._looked = self._moved = clock.monotonic()

    async def look(self) -> None:
        """Tell how far they are, if that was not told just now."""
        now = clock.monotonic()
        if now < self._looked + _LOOK_SECONDS:
            return
        self._looked = now
        position = await position_of(self._connection, NAME)
        if position > self._position:
            self._position, self._moved = position, now
            self._bars.update(self._task, completed=position - self._before)

    async def until(self, end: int) -> None:
        """Wait until they show everything up to `end`; raises LogError when nobody builds them."""
        self._bars.update(self._task, total=end - self._before)
        self._moved = clock.monotonic()
        while self._position < end:
            if clock.monotonic() > self._moved + _PATIENCE_SECONDS:
                raise LogError(
                    f"All events are in the log, but the tables have stopped at {self._position} of {end}: "
                    "is the projector running? `antiphon status`, and its log"
                )
            await asyncio.sleep(_LOOK_SECONDS)
            await self.look()
