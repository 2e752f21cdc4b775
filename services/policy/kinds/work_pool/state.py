"""The fold of a work pool: its fields, and those of its queues."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from antiphon.events.message import Event
from antiphon.events.work_pool import events


@dataclass(frozen=True, slots=True)
class WorkPool:
    """The state of a work pool that decisions need."""

    exists: bool = False
    data: Mapping[str, Any] = field(default_factory=dict)
    #: By their ids, the oldest first.
    queues: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def named(self, name: str) -> str | None:
        """The id of the queue of this name, or None."""
        return next((queue_id for queue_id, queue in self.queues.items() if queue["name"] == name), None)


INITIAL = WorkPool()


def evolve(pool: WorkPool, event: Event) -> WorkPool:
    """The pool after `event`."""
    match event:
        case events.WorkPoolCreated():
            return WorkPool(exists=True, data=event.data)
        case events.WorkPoolUpdated():
            return replace(pool, data={**pool.data, **event.changes})
        case events.WorkPoolDeleted():
            return INITIAL
        case events.WorkQueueCreated():
            return replace(pool, queues={**pool.queues, str(event.queue_id): event.data})
        case events.WorkQueueUpdated():
            queue_id = str(event.queue_id)
            return replace(pool, queues={**pool.queues, queue_id: {**pool.queues.get(queue_id, {}), **event.changes}})
        case events.WorkQueueDeleted():
            return replace(
                pool, queues={key: queue for key, queue in pool.queues.items() if key != str(event.queue_id)}
            )
        case _:
            return pool
