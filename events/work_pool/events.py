"""The events of work pools and their queues.

A pool and its queues are one aggregate: names and priorities of queues are unique among those of their pool.
The types below are stored in the log and never change: see docs/adr/0001.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from antiphon.events.document.events import DocumentCreated, DocumentDeleted, DocumentUpdated
from antiphon.events.message import Event


class WorkPoolCreated(DocumentCreated, type="work_pool.created"):
    """A work pool exists, with the fields of services/policy/kinds/work_pool/model.py; its default queue follows."""


class WorkPoolUpdated(DocumentUpdated, type="work_pool.updated"):
    """Fields of a work pool changed."""


class WorkPoolDeleted(DocumentDeleted, type="work_pool.deleted"):
    """A work pool and its queues were deleted; deployments and runs stay, without a pool."""


class WorkQueueCreated(Event, type="work_pool.queue_created"):
    """A queue of the pool exists."""

    queue_id: UUID
    data: dict[str, Any]


class WorkQueueUpdated(Event, type="work_pool.queue_updated"):
    """Fields of a queue changed, by a command or because its priority made room for another queue."""

    queue_id: UUID
    changes: dict[str, Any]


class WorkQueueDeleted(Event, type="work_pool.queue_deleted"):
    """A queue was deleted; its deployments and runs stay, without a queue."""

    queue_id: UUID
