"""What the events of a document do to its row, where that is all they do."""

from __future__ import annotations

from uuid import UUID

from antiphon.events.document.events import DocumentCreated, DocumentDeleted, DocumentUpdated
from antiphon.events.log.port import Recorded
from antiphon.projections.core.change import Change, Put, Statement
from antiphon.projections.core.table import Table


def changes(recorded: Recorded, table: Table) -> list[Change]:
    """The row changes of one event, by the statements `update_<table>` and `delete_<table>` where it is no creation."""
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
