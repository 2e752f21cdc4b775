"""Projects the events of work pools."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from antiphon.events.log.port import Recorded
from antiphon.events.work_pool.events import (
    WorkPoolCreated,
    WorkPoolDeleted,
    WorkPoolUpdated,
    WorkQueueCreated,
    WorkQueueDeleted,
    WorkQueueUpdated,
)
from antiphon.projections.core.change import Change, Put, Statement
from antiphon.projections.core.table import Table

WORK_POOL: Final = Table(
    "work_pool",
    {
        "id": "uuid",
        "created": "timestamptz",
        "updated": "timestamptz",
        "name": "text",
        "description": "text",
        "type": "text",
        "base_job_template": "json",
        "is_paused": "boolean",
        "default_queue_id": "uuid",
        "concurrency_limit": "integer",
        "storage_configuration": "json",
    },
)
WORK_QUEUE: Final = Table(
    "work_queue",
    {
        "id": "uuid",
        "created": "timestamptz",
        "updated": "timestamptz",
        "work_pool_id": "uuid",
        "name": "text",
        "description": "text",
        "is_paused": "boolean",
        "concurrency_limit": "integer",
        "priority": "integer",
        "filter": "jsonb",
        "last_polled": "timestamptz",
        "status": "text",
    },
)


def project(recorded: Recorded) -> list[Change]:
    """The row changes of one event of a work pool."""
    pool_id, event, at = UUID(recorded.aggregate.id), recorded.event, recorded.metadata.occurred_at
    match event:
        case WorkPoolCreated():
            return [Put(WORK_POOL, {**event.data, "id": pool_id, "created": at, "updated": at})]
        case WorkPoolUpdated():
            return [Statement("update_work_pool", {"id": pool_id, "at": at, "changes": event.changes})]
        case WorkPoolDeleted():
            return [Statement("delete_work_pool", {"id": pool_id})]
        case WorkQueueCreated() | WorkQueueUpdated() | WorkQueueDeleted():
            return [_of_queue(pool_id, event, at)]
        case _:
            return []


def _of_queue(pool_id: UUID, event: WorkQueueCreated | WorkQueueUpdated | WorkQueueDeleted, at: datetime) -> Change:
    match event:
        case WorkQueueCreated():
            row = {**event.data, "id": event.queue_id, "work_pool_id": pool_id, "created": at, "updated": at}
            return Put(WORK_QUEUE, row)
        case WorkQueueUpdated():
            return Statement("update_work_queue", {"id": event.queue_id, "at": at, "changes": event.changes})
        case WorkQueueDeleted():
            return Statement("delete_work_queue", {"id": event.queue_id})
