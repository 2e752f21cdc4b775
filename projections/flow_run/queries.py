"""What is asked about flow runs and their states."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection

from projections import durations, selection
from projections.filters.conditions import Parameters
from projections.filters.criteria import Criteria
from projections.reading import Row, encoded, many, one, rows

#: In the order of Prefect's FlowRunResponse. Work pools do not exist yet, so that no run has one.
_COLUMNS: Final = (
    "id, created, updated, name, flow_id, state_id, deployment_id, deployment_version, work_queue_id, work_queue_name,"
    " flow_version, parameters, idempotency_key, context, empirical_policy, tags, labels, parent_task_run_id,"
    " state_type, state_name, run_count, expected_start_time, next_scheduled_start_time, start_time, end_time,"
    f" total_run_time, {durations.COLUMNS}, auto_scheduled, infrastructure_document_id, infrastructure_pid, created_by,"
    " NULL::uuid AS work_pool_id, NULL::text AS work_pool_name, state, job_variables"
)


class FlowRunSort(StrEnum):
    """Prefect's FlowRunSort."""

    ID_DESC = "ID_DESC"
    START_TIME_ASC = "START_TIME_ASC"
    START_TIME_DESC = "START_TIME_DESC"
    EXPECTED_START_TIME_ASC = "EXPECTED_START_TIME_ASC"
    EXPECTED_START_TIME_DESC = "EXPECTED_START_TIME_DESC"
    NAME_ASC = "NAME_ASC"
    NAME_DESC = "NAME_DESC"
    NEXT_SCHEDULED_START_TIME_ASC = "NEXT_SCHEDULED_START_TIME_ASC"
    END_TIME_DESC = "END_TIME_DESC"


_ORDER: Final = {
    FlowRunSort.ID_DESC: "id DESC",
    FlowRunSort.START_TIME_ASC: "coalesce(start_time, expected_start_time) ASC",
    FlowRunSort.START_TIME_DESC: "coalesce(start_time, expected_start_time) DESC",
    FlowRunSort.EXPECTED_START_TIME_ASC: "expected_start_time ASC",
    FlowRunSort.EXPECTED_START_TIME_DESC: "expected_start_time DESC",
    FlowRunSort.NAME_ASC: "name ASC",
    FlowRunSort.NAME_DESC: "name DESC",
    FlowRunSort.NEXT_SCHEDULED_START_TIME_ASC: "next_scheduled_start_time ASC",
    FlowRunSort.END_TIME_DESC: "end_time DESC",
}


def wire(row: Row) -> Row:
    """A flow run as Prefect's API shows it."""
    return row


def state_wire(row: Row) -> Row:
    """A state as Prefect's API shows it."""
    state: Row = row["state"]
    return state


async def get(connection: AsyncConnection[Any], run_id: UUID) -> bytes | None:
    """A flow run, or None."""
    return one(await rows(connection, f"SELECT {_COLUMNS} FROM flow_run WHERE id = %(id)s", {"id": run_id}), wire)  # noqa: S608


async def get_many(connection: AsyncConnection[Any], run_ids: Sequence[UUID]) -> dict[UUID, bytes]:
    """Those of the flow runs that there are."""
    query = f"SELECT {_COLUMNS} FROM flow_run WHERE id = ANY (%(ids)s)"  # noqa: S608
    found = await rows(connection, query, {"ids": list(run_ids)})
    return {row["id"]: encoded(wire(row)) for row in found}


async def find(
    connection: AsyncConnection[Any], criteria: Criteria, sort: FlowRunSort, limit: int, offset: int
) -> bytes:
    """A page of the flow runs that meet the criteria."""
    parameters = Parameters()
    condition = criteria.of_flow_runs(parameters)
    found = await selection.select(
        connection, _COLUMNS, "flow_run", condition, parameters, order=_ORDER[sort], limit=limit, offset=offset
    )
    return many(found, wire)


async def find_ids(connection: AsyncConnection[Any], criteria: Criteria, limit: int) -> list[UUID]:
    """The ids of flow runs that meet the criteria, the greatest first."""
    parameters = Parameters()
    condition = criteria.of_flow_runs(parameters)
    found = await selection.select(
        connection, "id", "flow_run", condition, parameters, order="id DESC", limit=limit, offset=0
    )
    return [row["id"] for row in found]


async def count(connection: AsyncConnection[Any], criteria: Criteria) -> int:
    """How many flow runs meet the criteria."""
    parameters = Parameters()
    return await selection.count(connection, "flow_run", criteria.of_flow_runs(parameters), parameters)


async def state(connection: AsyncConnection[Any], state_id: UUID) -> bytes | None:
    """A state by its id, or None."""
    return one(
        await rows(connection, "SELECT state FROM flow_run_state WHERE id = %(id)s", {"id": state_id}), state_wire
    )


async def states(connection: AsyncConnection[Any], run_id: UUID) -> bytes:
    """All states of a flow run, the oldest first."""
    query = "SELECT state FROM flow_run_state WHERE flow_run_id = %(id)s ORDER BY timestamp"
    return many(await rows(connection, query, {"id": run_id}), state_wire)
