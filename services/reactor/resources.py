"""Resources at a position of the log: before and after an event of their own, or of another one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from cachetools import LRUCache

from antiphon.events.document.events import DocumentCreated, DocumentDeleted, DocumentUpdated
from antiphon.events.log.port import EventLog, Recorded
from antiphon.events.message import Event
from antiphon.events.subjects import Aggregate
from antiphon.events.work_pool.events import WorkQueueCreated, WorkQueueDeleted, WorkQueueUpdated

_MOST: Final = 2_000


@dataclass(frozen=True, slots=True)
class ResourceState:
    """A document, or a work pool with its queues."""

    data: Mapping[str, Any]
    #: By their ids, the oldest first.
    queues: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def after(self, event: Event) -> ResourceState:
        """The resource after an event other than its deletion."""
        match event:
            case DocumentUpdated():
                return replace(self, data={**self.data, **event.changes})
            case WorkQueueCreated():
                return replace(self, queues={**self.queues, str(event.queue_id): event.data})
            case WorkQueueUpdated():
                queue_id = str(event.queue_id)
                queue = {**self.queues.get(queue_id, {}), **event.changes}
                return replace(self, queues={**self.queues, queue_id: queue})
            case WorkQueueDeleted():
                gone = str(event.queue_id)
                return replace(self, queues={key: queue for key, queue in self.queues.items() if key != gone})
            case _:
                return self


def _after(resource: ResourceState | None, event: Event) -> ResourceState | None:
    match event:
        case DocumentCreated():
            return ResourceState(event.data)
        case DocumentDeleted():
            return None
        case _:
            return None if resource is None else resource.after(event)


async def read(log: EventLog, aggregate: Aggregate, position: int) -> ResourceState | None:
    """The resource at a position, read from the log."""
    found: ResourceState | None = None
    async for earlier in log.read(aggregate):
        if earlier.position <= position:
            found = _after(found, earlier.event)
    return found


class ResourceStates:
    """The states of resources; it must get all their events in log order, and reads missing states from the log."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._known: LRUCache[Aggregate, ResourceState | None] = LRUCache(_MOST)

    async def around(self, event: Recorded) -> tuple[ResourceState | None, ResourceState | None]:
        """The resource before an event of its own, and after it; None where there is none."""
        before = await self.at(event.aggregate, event.position - 1)
        after = _after(before, event.event)
        self._known[event.aggregate] = after
        return before, after

    async def at(self, aggregate: Aggregate, position: int) -> ResourceState | None:
        """The resource at a position, up to which all events have been given."""
        if aggregate not in self._known:
            self._known[aggregate] = await read(self._log, aggregate, position)
        return self._known[aggregate]
