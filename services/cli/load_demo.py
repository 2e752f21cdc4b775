"""`antiphon load-demo`: fills a running Antiphon with made-up flow runs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, Final

from psycopg import AsyncConnection
from rich.progress import Progress, TaskID

from antiphon.events.client.client import Client
from antiphon.events.log.errors import ConflictError, LogError
from antiphon.events.log.nats.jetstream import JetStreamLog
from antiphon.events.log.port import MAX_DRAFTS, Draft
from antiphon.projections.core.reading import configure
from antiphon.projections.engine.projection import NAME
from antiphon.projections.engine.writer import position_of
from antiphon.services.cli import console
from antiphon.services.cli.demo.flows import make_flows
from antiphon.services.cli.demo.runs import Runs
from antiphon.services.cli.installation import Installation
from antiphon.services.cli.running import connection
from antiphon.services.runtime import clock

_LOOK_SECONDS: Final = 0.25
#: After so long without progress the projector is taken not to run.
_PATIENCE_SECONDS: Final = 60.0
#: A busy disk takes long.
_STORE_SECONDS: Final = 60.0


async def load_demo(where: Installation, runs: int) -> None:
    """Create the flows, append the events of their runs, and wait until the tables show them."""
    nats, postgres = where.nats_url, where.postgres_url
    started = clock.monotonic()
    async with connection(nats) as client, await AsyncConnection.connect(postgres) as tables_connection:
        await configure(tables_connection)
        origins = await make_flows(Client(client, timeout_seconds=_STORE_SECONDS))
        log = JetStreamLog(client, timeout_seconds=_STORE_SECONDS)
        before = await log.last_position()
        made = Runs(origins, clock.now(), runs, Random())  # noqa: S311  no secrets
        with console.bars() as bars:
            tables = _Tables(tables_connection, before, bars, bars.add_task("tables", total=None))
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
        storing = asyncio.create_task(_store(log, batch))
        # Let the task send it: making the next batch takes a while.
        await asyncio.sleep(0)
        await tables.look()
        bars.update(task, completed=count)
    if storing is not None:
        await storing


async def _store(log: JetStreamLog, batch: Sequence[Draft]) -> None:
    while True:
        try:
            await log.append(batch, after=await log.last_position())
        except ConflictError:
            # The policy has appended meanwhile.
            continue
        return


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
    """The position of the read models behind the appended events."""

    def __init__(self, connection: AsyncConnection[Any], before: int, bars: Progress, task: TaskID) -> None:
        self._connection = connection
        self._before = before
        self._bars = bars
        self._task = task
        self._position = before
        self._looked = self._moved = clock.monotonic()

    async def look(self) -> None:
        """Show their position, unless that was done just now."""
        now = clock.monotonic()
        if now < self._looked + _LOOK_SECONDS:
            return
        self._looked = now
        position = await position_of(self._connection, NAME)
        if position > self._position:
            self._position, self._moved = position, now
            self._bars.update(self._task, completed=position - self._before)

    async def until(self, end: int) -> None:
        """Wait until they show everything up to `end`; raises LogError when they stand still."""
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
