"""Queries on deployments."""

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
from antiphon.projections.resource import Resource, plain

_QUEUE: Final = "FROM work_queue AS q WHERE q.id = deployment.work_queue_id"
#: The time of the last poll of the deployment or of its queue.
_POLLED: Final = (
    "greatest(last_polled, (SELECT max(polled) FROM poll WHERE poll.id IN (deployment.id, deployment.work_queue_id)))"
)
#: In the order of Prefect's DeploymentResponse; the columns of the limit come last.
_COLUMNS: Final = (
    plain("id created updated name", "deployment")
    | plain("version description flow_id paused")
    | {"schedules": "'[]'::jsonb", "concurrency_limit": "NULL::integer", "global_concurrency_limit": "NULL"}
    | plain("concurrency_options job_variables parameters tags labels")
    | {
        "work_queue_name": f"coalesce((SELECT q.name {_QUEUE}), work_queue_name)",
        "work_queue_id": f"(SELECT q.id {_QUEUE})",
        "last_polled": _POLLED,
    }
    | plain("parameter_openapi_schema path")
    | {"pull_steps": "coalesce(pull_steps, '[]')"}
    | plain("entrypoint")
    | {
        "storage_document_id": "NULL::uuid",
        "infrastructure_document_id": "NULL::uuid",
        "created_by": "NULL::jsonb",
        "updated_by": "NULL::jsonb",
        "work_pool_name": f"(SELECT p.name FROM work_pool AS p WHERE p.id = (SELECT q.work_pool_id {_QUEUE}))",  # noqa: S608
        "status": f"CASE WHEN {is_recent(_POLLED)} THEN 'READY' ELSE 'NOT_READY' END",
    }
    | plain("enforce_parameter_schema")
    | {f"limit_{name}": f"l.{name}" for name in ("id", "created", "updated", "active", "name")}
    | {
        "limit_limit": "l.slot_limit",
        "limit_active_slots": ACTIVE_SLOTS,
        "limit_slot_decay_per_second": "l.slot_decay_per_second",
    }
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
    """A deployment in the form of Prefect's API."""
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
    """The deployment with a name, of the flow with a name, or None."""
    parameters = Parameters()
    its_flow = f"(SELECT flow.id FROM flow WHERE flow.name = {parameters.bind(flow_name)})"  # noqa: S608
    condition = f"deployment.name = {parameters.bind(name)} AND deployment.flow_id = {its_flow}"
    found = await DEPLOYMENTS.select(connection, condition, parameters)
    return first_encoded(found)


class Source(NamedTuple):
    """The attributes of a deployment that the creation of a run needs."""

    flow_id: UUID
    parameters: dict[str, Any]


async def source_of_runs(connection: AsyncConnection[Any], deployment_id: UUID) -> Source | None:
    """The flow and the parameters of a deployment, or None."""
    query = "SELECT flow_id, parameters::text FROM deployment WHERE id = %(id)s"
    found = await rows(connection, query, {"id": deployment_id})
    return Source(found[0]["flow_id"], json.loads(found[0]["parameters"])) if found else None


async def scheduled_runs(connection: AsyncConnection[Any], deployment_id: UUID) -> list[UUID]:
    """The scheduled runs of a deployment that have never started and do not wait for a concurrency slot."""
    query = (
        "SELECT id FROM flow_run WHERE deployment_id = %(id)s AND state_type = 'SCHEDULED'"
        " AND state_name <> 'AwaitingConcurrencySlot' AND run_count = 0"
    )
    return [row["id"] for row in await rows(connection, query, {"id": deployment_id})]
