"""Projects the events of artifacts, and the data of states as artifacts (docs/adr/0015)."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from antiphon.events import ids, json_bytes
from antiphon.events.document.events import DocumentCreated, DocumentDeleted, DocumentUpdated
from antiphon.events.log.port import Recorded
from antiphon.events.state import State
from antiphon.events.transition import ResultArtifact, artifact_id
from antiphon.projections.core.change import Change, Put, Row, Statement
from antiphon.projections.core.table import Table

ARTIFACT: Final = Table(
    "artifact",
    {
        "id": "uuid",
        "created": "timestamptz",
        "updated": "timestamptz",
        "key": "text",
        "type": "text",
        "description": "text",
        "data": "text",
        "metadata_": "text",
        "flow_run_id": "uuid",
        "task_run_id": "uuid",
        "position": "bigint",
    },
)
ARTIFACT_COLLECTION: Final = Table(
    "artifact_collection",
    {
        "id": "uuid",
        "created": "timestamptz",
        "updated": "timestamptz",
        "key": "text",
        "latest_id": "uuid",
        "type": "text",
        "flow_run_id": "uuid",
        "task_run_id": "uuid",
    },
)


def project(recorded: Recorded) -> list[Change]:
    """The row changes of one event of an artifact."""
    own_id, event, at = UUID(recorded.aggregate.id), recorded.event, recorded.metadata.occurred_at
    match event:
        case DocumentCreated():
            return _put(recorded, {**event.data, "id": own_id})
        case DocumentUpdated():
            return [Statement("update_artifact", {"id": own_id, "at": at, "changes": _as_texts(event.changes)})]
        case DocumentDeleted():
            return [Statement("delete_artifact", {"id": own_id})]
        case _:
            return []


def of_state(
    recorded: Recorded,
    state: State,
    described: ResultArtifact | None,
    *,
    flow_run_id: UUID | None,
    task_run_id: UUID | None = None,
) -> list[Change]:
    """The artifact from the data of a written state, if it has data."""
    own_id = artifact_id(state)
    if own_id is None:
        return []
    row = {
        # An empty text counts as absent.
        **{name: text or None for name, text in (described or ResultArtifact()).model_dump().items()},
        "id": own_id,
        "data": state.data,
        "flow_run_id": flow_run_id,
        "task_run_id": task_run_id,
    }
    return _put(recorded, row)


def _as_texts(given: Row) -> Row:
    """JSON values as texts: jsonb would change the order of keys, which is the order of a table's columns."""
    values = {name: given[name] for name in ("data", "metadata_") if given.get(name) is not None}
    return given | {name: json_bytes.dumps(value).decode() for name, value in values.items()}


def _put(recorded: Recorded, given: Row) -> list[Change]:
    at = recorded.metadata.occurred_at
    row = _as_texts(given) | {"created": at, "updated": at, "position": recorded.position}
    changes: list[Change] = [Put(ARTIFACT, row)]
    if (key := given["key"]) is not None:
        latest = {name: row[name] for name in ("created", "updated", "key", "type", "flow_run_id", "task_run_id")}
        own_id = ids.artifact_collection_id(key)
        changes.append(Put(ARTIFACT_COLLECTION, {**latest, "id": own_id, "latest_id": given["id"]}))
    return changes
