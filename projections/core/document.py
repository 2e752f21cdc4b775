"""The changes that the events of a document make to its row."""

from __future__ import annotations

from uuid import UUID

from antiphon.events.document.events import DocumentCreated, DocumentDeleted, DocumentUpdated
from antiphon.events.log.port import Recorded
from antiphon.projections.core.change import Change, Put, Statement
from antiphon.projections.core.table import Table


def changes(recorded: Recorded, table: Table) -> list[Change]:
    """The changes of one event; updates and deletions use the statements `update_<table>` and `delete_<table>`."""
    row_id, event, at = UUID(recorded.aggregate.id), recorded.event, recorded.metadata.occurred_at
    match event:
        case DocumentCreated():
            return [Put(table, {**event.data, "id": row_id, "created": at, "updated": at})]
        case DocumentUpdated():
            return [Statement(f"update_{table.name}", {"id": row_id, "at": at, "changes": event.changes})]
        case DocumentDeleted():
            return [Statement(f"delete_{table.name}", {"id": row_id, "at": recorded.recorded_at})]
        case _:
            return []
