"""What can have happened to a work pool and to the queues in it.

A pool and its queues are one aggregate: names and priorities of queues are unique among those of their pool.
The `TYPE` names below are stored in the log for ever: see docs/adr/0001.
"""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from antiphon.events.document.events import DocumentCreated, DocumentDeleted, DocumentUpdated
from antiphon.events.message import Event


class WorkPoolCreated(DocumentCreated):
    """A work pool exists, with the fields of services/policy/kinds/work_pool/model.py; its default queue follows."""

    TYPE: ClassVar[str] = "work_pool.created"


class WorkPoolUpdated(DocumentUpdated):
    """Fields of a work pool changed."""

    TYPE: ClassVar[str] = "work_pool.updated"


class WorkPoolDeleted(DocumentDeleted):
    """A work pool is gone, with its queues; deployments and runs stay, and belong to none."""

    TYPE: ClassVar[str] = "work_pool.deleted"


class WorkQueueCreated(Event):
    """There is one more queue in the pool."""

    TYPE: ClassVar[str] = "work_pool.queue_created"

    queue_id: UUID
    data: dict[str, Any]


class WorkQueueUpdated(Event):
    """Fields of a queue changed: its own doing, or its priority made room for another's."""

    TYPE: ClassVar[str] = "work_pool.queue_updated"

    queue_id: UUID
    changes: dict[str, Any]


class WorkQueueDeleted(Event):
    """A queue is gone; deployments and runs that were in it stay, and are in none."""

    TYPE: ClassVar[str] = "work_pool.queue_deleted"

    queue_id: UUID
