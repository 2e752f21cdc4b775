"""What the events of deployments do to rows."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from events.document.events import DocumentCreated, DocumentDeleted, DocumentUpdated
from events.log.port import Recorded
from projections.change import Change, Put, Statement
from projections.table import Table

DEPLOYMENT: Final = Table(
    "deployment",
    {
        "id": "uuid",
        "created": "timestamptz",
        "updated": "timestamptz",
        "name": "text",
        "flow_id": "uuid",
        "version": "text",
        "description": "text",
        "paused": "boolean",
        "concurrency_limit_id": "uuid",
        "concurrency_options": "jsonb",
        "job_variables": "jsonb",
        "parameters": "jsonb",
        "tags": "text[]",
        "labels": "jsonb",
        "work_queue_name": "text",
        "work_queue_id": "uuid",
        "work_pool_id": "uuid",
        "last_polled": "timestamptz",
        "parameter_openapi_schema": "jsonb",
        "path": "text",
        "pull_steps": "jsonb",
        "entrypoint": "text",
        "enforce_parameter_schema": "boolean",
        "status": "text",
    },
)


def project(recorded: Recorded) -> list[Change]:
    """The row changes of one event of a deployment."""
    deployment_id, event, at = UUID(recorded.aggregate.id), recorded.event, recorded.metadata.occurred_at
    match event:
        case DocumentCreated():
            return [Put(DEPLOYMENT, {**event.data, "id": deployment_id, "created": at, "updated": at})]
        case DocumentUpdated():
            return [Statement("update_deployment", {"id": deployment_id, "at": at, "changes": event.changes})]
        case DocumentDeleted():
            return [Statement("delete_deployment", {"id": deployment_id})]
        case _:
            return []
