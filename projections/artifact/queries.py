"""Queries on artifacts."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection

from antiphon.projections.core.reading import Row, rows
from antiphon.projections.resource import Resource, plain


class ArtifactSort(StrEnum):
    """Prefect's ArtifactSort and ArtifactCollectionSort."""

    CREATED_DESC = "CREATED_DESC"
    UPDATED_DESC = "UPDATED_DESC"
    ID_DESC = "ID_DESC"
    KEY_DESC = "KEY_DESC"
    KEY_ASC = "KEY_ASC"


_CONTENT: Final = {
    "type": "artifact.type",
    "description": "description",
    "data": "data::json",
    "metadata_": "metadata_::json",
} | plain("flow_run_id task_run_id", "artifact")

ARTIFACTS: Final = Resource(
    table="artifact",
    columns=plain("id created updated key") | _CONTENT,
    sort=ArtifactSort,
    default_sort=ArtifactSort.ID_DESC,
)

_OF_COLLECTION: Final = plain("id created updated key", "artifact_collection")
#: The latest artifact of each key, with the id and the times of the collection.
COLLECTIONS: Final = Resource(
    table="artifact_collection",
    columns=_OF_COLLECTION | plain("latest_id") | _CONTENT,
    sort=ArtifactSort,
    default_sort=ArtifactSort.ID_DESC,
    joined_with=" JOIN artifact ON artifact.id = latest_id",
)

#: The latest artifact of each key, in the form of an artifact.
LATEST: Final = replace(COLLECTIONS, columns=_OF_COLLECTION | _CONTENT)


async def runs_of(connection: AsyncConnection[Any], artifact_id: UUID) -> Row | None:
    """The flow run and the task run of an artifact, or None if it does not exist."""
    query = "SELECT flow_run_id, task_run_id FROM artifact WHERE id = %(id)s"
    found = await rows(connection, query, {"id": artifact_id})
    return found[0] if found else None


async def of_flow_run(connection: AsyncConnection[Any], run_id: UUID, most: int) -> list[Row]:
    """The artifacts in the graph of a flow run, the oldest first, with the task run of each."""
    query = (
        "SELECT a.id, a.created, a.key, a.type, a.key IS NULL OR c.id IS NOT NULL AS is_latest,"
        " CASE WHEN a.type = 'progress' THEN a.data::json END AS data, a.task_run_id"
        " FROM artifact AS a LEFT JOIN artifact_collection AS c ON c.latest_id = a.id"
        " WHERE a.flow_run_id = %(run)s AND a.type <> 'result' ORDER BY a.created, a.position LIMIT %(most)s"
    )
    return await rows(connection, query, {"run": run_id, "most": most})
