"""What the events of variables do to rows."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from events.document.events import DocumentCreated, DocumentDeleted, DocumentUpdated
from events.log.port import Recorded
from projections.change import Change, Put, Statement
from projections.table import Table

VARIABLE: Final = Table(
    "variable",
    {
        "id": "uuid",
        "created": "timestamptz",
        "updated": "timestamptz",
        "name": "text",
        "value": "jsonb",
        "tags": "text[]",
    },
)


def project(recorded: Recorded) -> list[Change]:
    """The row changes of one event of a variable."""
    variable_id, event, at = UUID(recorded.aggregate.id), recorded.event, recorded.metadata.occurred_at
    match event:
        case DocumentCreated():
            return [Put(VARIABLE, {**event.data, "id": variable_id, "created": at, "updated": at})]
        case DocumentUpdated():
            return [Statement("update_variable", {"id": variable_id, "at": at, "changes": event.changes})]
        case DocumentDeleted():
            return [Statement("delete_variable", {"id": variable_id})]
        case _:
            return []
