"""What the tests of the client write to a log, and read from it."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from uuid import uuid4

from antiphon.client import Client
from antiphon.events.log.port import Draft, EventLog
from antiphon.events.message import Event, Metadata
from antiphon.events.subjects import Aggregate
from tests.examples import NOW, run_created, run_moved, state
from tests.log import append_to

DEADLINE_SECONDS = 60
WATCHER = "watcher"


def run() -> Aggregate:
    return Aggregate("flow_run", str(uuid4()))


async def add(log: EventLog, aggregate: Aggregate, *events: Event) -> None:
    await append_to(log, [Draft(aggregate, event, Metadata(uuid4(), NOW), 0) for event in events])


async def moves(log: EventLog, count: int) -> None:
    """One run moves: positions from 1 on are all changes."""
    await add(log, run(), run_created(), *(run_moved(state("RUNNING"), number) for number in range(1, count)))


async def positions(client: Client, count: int, name: str | None = WATCHER, **which: object) -> list[int]:
    """The next changes, all of them handled."""
    found = []
    async with asyncio.timeout(DEADLINE_SECONDS), aclosing(client.state_changes(name, **which)) as changes:  # type: ignore[arg-type]
        async for change in changes:
            async with change:
                found.append(change.position)
            if len(found) == count:
                break
    return found
