"""What is told of what happened in a log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

import orjson

from antiphon.events.log.memory import MemoryLog
from antiphon.events.log.nats.connection import Outgoing
from antiphon.events.log.port import Draft, EventLog, Recorded
from antiphon.events.message import Event, Metadata
from antiphon.events.subjects import Aggregate
from tests.examples import NOW
from tests.log import append_to


class Telling(Protocol):
    """A part of what the reactor makes of events."""

    async def messages(self, event: Recorded) -> Sequence[Outgoing]:
        """What follows from an event."""


async def log_of(facts: Iterable[tuple[int, Aggregate, Event]]) -> tuple[MemoryLog, list[Recorded]]:
    """A log in which all of it happened, each by the command of a number."""
    log, recorded = MemoryLog(lambda: NOW), list[Recorded]()
    for number, aggregate, event in facts:
        metadata = Metadata(command_id=UUID(int=100 + number), occurred_at=NOW + timedelta(seconds=number))
        await append_to(log, [Draft(aggregate, event, metadata, 0)])
    async for batch in log.follow(0, until=await log.last_position()):
        recorded += [item for item in batch if isinstance(item, Recorded)]
    return log, recorded


async def told(made: Callable[[EventLog], Telling], log: MemoryLog, events: list[Recorded]) -> list[dict[str, Any]]:
    """What is told of these events, but for when."""
    telling, found = made(log), list[dict[str, Any]]()
    for event in events:
        found += [orjson.loads(body) for _, _, body in await telling.messages(event)]
    return [{name: value for name, value in item.items() if name != "received"} for item in found]
