"""Appends to a log and reads from it, for tests that care for neither fence nor pages."""

from __future__ import annotations

from collections.abc import Sequence

from antiphon.events.log.port import Draft, EventLog, Recorded
from antiphon.events.subjects import Aggregate


async def append_to(log: EventLog, drafts: Sequence[Draft]) -> range:
    """Append behind the end of the log, wherever that is."""
    return await log.append(drafts, after=await log.last_position())


async def read_all(log: EventLog, aggregate: Aggregate, *, since: int = 1) -> list[Recorded]:
    """All events of an aggregate from a position on."""
    return [recorded async for recorded in log.read(aggregate, since=since)]
