"""What is asked about deployments."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Any, Final, NamedTuple
from uuid import UUID

from psycopg import AsyncConnection

from antiphon.projections.core.reading import Row, first_encoded, rows
from antiphon.projections.filters.conditions import Parameters
from antiphon.projections.limit.queries import ACTIVE_SLOTS
from antiphon.projections.presence.queries import is_recent
from antiphon.projections.resource import Resource

_QUEUE: Final = "FROM work_queue AS q WHERE q.id = deployment.work_queue_id"
#: When somebody last asked for its runs, or for those of its queue.
_POLLED: Final = (
    "greatest(last_polled, (SELECT max(polled) FROM poll WHERE poll.id IN (deployment.id, deployment.work_queue_id)))"
)
#: In the order of Prefect's DeploymentResponse; its limit, in columns of their own, comes last.
_COLUMNS: Final = (
    "deployment.id, deployment.created, deployment.updated, deployment.name, version, description, flow_id, paused,"  # noqa: S608
    " '[]'::jsonb AS schedules, NULL::integer AS concurrency_limit, NULL AS global_concurrency_limit,"
    " concurrency_options, job_variables, parameters, tags, labels,"
    f" coalesce((SELECT q.name {_QUEUE}), work_queue_name) AS work_queue_name, (SELECT q.id {_QUEUE}) AS work_queue_id,"
    f" {_POLLED} AS last_polled, parameter_openapi_schema, path,"
    " coalesce(pull_steps, '[]') AS pull_steps, entrypoint, NULL::uuid AS storage_document_id,"
    " NULL::uuid AS infrastructure_document_id, NULL::jsonb AS created_by, NULL::jsonb AS updated_by,"
    f" (SELECT p.name FROM work_pool AS p WHERE p.id = (SELECT q.work_pool_id {_QUEUE})) AS work_pool_name,"
    f" CASE WHEN {is_recent(_POLLED)} THEN 'READY' ELSE 'NOT_READY' END AS status, enforce_parameter_schema,"
    " l.id AS limit_id, l.created AS limit_created, l.updated AS limit_updated, l.active AS limit_active,"
    f" l.name AS limit_name, l.slot_limit AS limit_limit, {ACTIVE_SLOTS} AS limit_active_slots,"
    " l.slot_decay_per_second AS limit_slot_decay_per_second"
)
_LIMIT: Final = " LEFT JOIN concurrency_limit AS l ON l.id = deployment.concurrency_limit_id"
_OF_LIMIT: Final = ("id", "created", "updated", "active", "name", "limit", "active_slots", "slot_decay_per_second")


class DeploymentSort(StrEnum):
    """Prefect's DeploymentSort."""

    CREATED_DESC = "CREATED_DESC"
    UPDATED_DESC = "UPDATED_DESC"
    NAME_ASC = "NAME_ASC"
    NAME_DESC = "NAME_DESC"


def wire(row: Row) -> Row:
    """A deployment as Prefect's API shows it."""
    limit = {name: row.pop(f"limit_{name}") for name in _OF_LIMIT}
    row["global_concurrency_limit"] = limit if limit["id"] is not None else None
    return row


DEPLOYMENTS: Final = Resource(
    table="deployment",
    columns=_COLUMNS,
    sort=DeploymentSort,
    default_sort=DeploymentSort.NAME_ASC,
    sort_columns={name: (f"deployment.{name.lower()}",) for name in ("CREATED", "UPDATED", "NAME")},
    joined_with=_LIMIT,
    shaped=wire,
)


async def by_name(connection: AsyncConnection[Any], flow_name: str, name: str) -> bytes | None:
    """The deployment of that name of the flow of that name, or None."""
    parameters = Parameters()
    its_flow = f"(SELECT flow.id FROM flow WHERE flow.name = {parameters.bind(flow_name)})"  # noqa: S608
    condition = f"deployment.name = {parameters.bind(name)} AND deployment.flow_id = {its_flow}"
    found = await DEPLOYMENTS.select(connection, condition, parameters)
    return first_encoded(found)


class Source(NamedTuple):
    """What must be known of a deployment before a run of it is asked for."""

    flow_id: UUID
    parameters: dict[str, Any]


async def source_of_runs(connection: AsyncConnection[Any], deployment_id: UUID) -> Source | None:
    """The flow and the parameters of a deployment, or None."""
    query = "SELECT flow_id, parameters::text FROM deployment WHERE id = %(id)s"
    found = await rows(connection, query, {"id": deployment_id})
    return Source(found[0]["flow_id"], json.loads(found[0]["parameters"])) if found else None


async def scheduled_runs(connection: AsyncConnection[Any], deployment_id: UUID) -> list[UUID]:
    """The runs of a deployment that go with it: those that wait for their time and have never run."""
    query = (
        "SELECT id FROM flow_run WHERE deployment_id = %(id)s AND state_type = 'SCHEDULED'"
        " AND state_name <> 'AwaitingConcurrencySlot' AND run_count = 0"
    )
    return [row["id"] for row in await rows(connection, query, {"id": deployment_id})]
