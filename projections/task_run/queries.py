"""What is asked about task runs and their states."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection

from projections import durations, selection
from projections.filters.conditions import Parameters
from projections.filters.criteria import Criteria
from projections.reading import Row, many, one, rows

#: In the order of Prefect's TaskRun.
_COLUMNS: Final = (
    "id, created, updated, name, flow_run_id, task_key, dynamic_key, cache_key, cache_expiration, task_version,"
    " empirical_policy, tags, labels, state_id, task_inputs, state_type, state_name, run_count, flow_run_run_count,"
    f" expected_start_time, next_scheduled_start_time, start_time, end_time, total_run_time, {durations.COLUMNS}, state"
)


class TaskRunSort(StrEnum):
    """Prefect's TaskRunSort."""

    ID_DESC = "ID_DESC"
    EXPECTED_START_TIME_ASC = "EXPECTED_START_TIME_ASC"
    EXPECTED_START_TIME_DESC = "EXPECTED_START_TIME_DESC"
    NAME_ASC = "NAME_ASC"
    NAME_DESC = "NAME_DESC"
    NEXT_SCHEDULED_START_TIME_ASC = "NEXT_SCHEDULED_START_TIME_ASC"
    END_TIME_DESC = "END_TIME_DESC"


_ORDER: Final = {
    TaskRunSort.ID_DESC: "id DESC",
    TaskRunSort.EXPECTED_START_TIME_ASC: "expected_start_time ASC",
    TaskRunSort.EXPECTED_START_TIME_DESC: "expected_start_time DESC",
    TaskRunSort.NAME_ASC: "name ASC",
    TaskRunSort.NAME_DESC: "name DESC",
    TaskRunSort.NEXT_SCHEDULED_START_TIME_ASC: "next_scheduled_start_time ASC",
    TaskRunSort.END_TIME_DESC: "end_time DESC",
}

#: A page of task runs shows fewer of their fields than a task run itself.
_IN_PAGES: Final = (
    "id",
    "created",
    "updated",
    "name",
    "flow_run_id",
    "task_key",
    "state_id",
    "state",
    "task_version",
    "task_inputs",
    "empirical_policy",
    "tags",
    "start_time",
    "end_time",
    "total_run_time",
    "estimated_run_time",
    "estimated_start_time_delta",
)


def wire(row: Row) -> Row:
    """A task run as Prefect's API shows it."""
    return row


def page_wire(row: Row) -> Row:
    """A task run as it stands in an answer of `paginate`."""
    return {name: row[name] for name in _IN_PAGES}


def state_wire(row: Row) -> Row:
    """A state as Prefect's API shows it."""
    state: Row = row["state"]
    return state


async def get(connection: AsyncConnection[Any], run_id: UUID) -> bytes | None:
    """A task run, or None; one whose flow run has not appeared is not there yet."""
    query = f"SELECT {_COLUMNS} FROM task_run WHERE id = %(id)s AND NOT awaits_flow_run"  # noqa: S608
    return one(await rows(connection, query, {"id": run_id}), wire)


async def find(
    connection: AsyncConnection[Any],
    criteria: Criteria,
    sort: TaskRunSort,
    limit: int,
    offset: int,
    *,
    in_page: bool = False,
) -> bytes:
    """A page of the task runs that meet the criteria."""
    parameters = Parameters()
    condition = criteria.of_task_runs(parameters)
    found = await selection.select(
        connection, _COLUMNS, "task_run", condition, parameters, order=_ORDER[sort], limit=limit, offset=offset
    )
    return many(found, page_wire if in_page else wire)


async def count(connection: AsyncConnection[Any], criteria: Criteria) -> int:
    """How many task runs meet the criteria."""
    parameters = Parameters()
    return await selection.count(connection, "task_run", criteria.of_task_runs(parameters), parameters)


async def failed_within(connection: AsyncConnection[Any], flow_run_id: UUID) -> tuple[UUID, ...]:
    """The task runs of a flow run that have failed; at most a page of them."""
    query = "SELECT id FROM task_run WHERE flow_run_id = %(id)s AND state_type = 'FAILED' ORDER BY id LIMIT 200"
    return tuple(row["id"] for row in await rows(connection, query, {"id": flow_run_id}))


async def state(connection: AsyncConnection[Any], state_id: UUID) -> bytes | None:
    """A state by its id, or None."""
    return one(
        await rows(connection, "SELECT state FROM task_run_state WHERE id = %(id)s", {"id": state_id}), state_wire
    )


async def states(connection: AsyncConnection[Any], run_id: UUID) -> bytes:
    """All states of a task run, the oldest first."""
    query = "SELECT state FROM task_run_state WHERE task_run_id = %(id)s ORDER BY timestamp"
    return many(await rows(connection, query, {"id": run_id}), state_wire)
