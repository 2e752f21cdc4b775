"""What the events of flow-run inputs do to rows."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from events.document.events import DocumentCreated, DocumentDeleted, DocumentUpdated
from events.log.port import Recorded
from projections.change import Change, Put, Statement
from projections.table import Table

FLOW_RUN_INPUT: Final = Table(
    "flow_run_input",
    {
        "id": "uuid",
        "created": "timestamptz",
        "updated": "timestamptz",
        "flow_run_id": "uuid",
        "key": "text",
        "value": "text",
        "sender": "text",
    },
)


def project(recorded: Recorded) -> list[Change]:
    """The row changes of one event of an input."""
    input_id, event, at = UUID(recorded.aggregate.id), recorded.event, recorded.metadata.occurred_at
    match event:
        case DocumentCreated():
            return [Put(FLOW_RUN_INPUT, {**event.data, "id": input_id, "created": at, "updated": at})]
        case DocumentUpdated():
            return [Statement("update_flow_run_input", {"id": input_id, "at": at, "changes": event.changes})]
        case DocumentDeleted():
            return [Statement("delete_flow_run_input", {"id": input_id})]
        case _:
            return []
