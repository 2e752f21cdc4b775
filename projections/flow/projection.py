"""What the events of flows do to rows."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from events.document.events import DocumentCreated, DocumentDeleted, DocumentUpdated
from events.log.port import Recorded
from projections.change import Change, Put, Statement
from projections.table import Table

FLOW: Final = Table(
    "flow",
    {
        "id": "uuid",
        "created": "timestamptz",
        "updated": "timestamptz",
        "name": "text",
        "tags": "text[]",
        "labels": "jsonb",
    },
)


def project(recorded: Recorded) -> list[Change]:
    """The row changes of one event of a flow."""
    flow_id, event, at = UUID(recorded.aggregate.id), recorded.event, recorded.metadata.occurred_at
    match event:
        case DocumentCreated():
            return [Put(FLOW, {**event.data, "id": flow_id, "created": at, "updated": at})]
        case DocumentUpdated():
            return [Statement("update_flow", {"id": flow_id, "at": at, "changes": event.changes})]
        case DocumentDeleted():
            return [Statement("delete_flow", {"id": flow_id, "at": recorded.recorded_at})]
        case _:
            return []
