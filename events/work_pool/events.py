"""The events of work pools and their queues.

A pool and its queues are one aggregate: names and priorities of queues are unique among those of their pool.
The `TYPE` names below are stored in the log and never change: see docs/adr/0001.
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
    """A work pool and its queues were deleted; deployments and runs stay, without a pool."""

    TYPE: ClassVar[str] = "work_pool.deleted"


class WorkQueueCreated(Event):
    """A queue of the pool exists."""

    TYPE: ClassVar[str] = "work_pool.queue_created"

    queue_id: UUID
    data: dict[str, Any]


class WorkQueueUpdated(Event):
    """Fields of a queue changed, by a command or because its priority made room for another queue."""

    TYPE: ClassVar[str] = "work_pool.queue_updated"

    queue_id: UUID
    changes: dict[str, Any]


class WorkQueueDeleted(Event):
    """A queue was deleted; its deployments and runs stay, without a queue."""

    TYPE: ClassVar[str] = "work_pool.queue_deleted"

    queue_id: UUID
