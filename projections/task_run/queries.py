"""Queries on task runs and their states."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection

from antiphon.projections.core import durations
from antiphon.projections.core.reading import rows
from antiphon.projections.filters.conditions import beginning
from antiphon.projections.resource import Resource, StateHistory, plain


class TaskRunSort(StrEnum):
    """Prefect's TaskRunSort."""

    ID_DESC = "ID_DESC"
    EXPECTED_START_TIME_ASC = "EXPECTED_START_TIME_ASC"
    EXPECTED_START_TIME_DESC = "EXPECTED_START_TIME_DESC"
    NAME_ASC = "NAME_ASC"
    NAME_DESC = "NAME_DESC"
    NEXT_SCHEDULED_START_TIME_ASC = "NEXT_SCHEDULED_START_TIME_ASC"
    END_TIME_DESC = "END_TIME_DESC"


TASK_RUNS: Final = Resource(
    table="task_run",
    columns=plain(
        "id created updated name flow_run_id task_key dynamic_key cache_key cache_expiration task_version"
        " empirical_policy tags labels state_id task_inputs state_type state_name run_count flow_run_run_count"
        " expected_start_time next_scheduled_start_time start_time end_time total_run_time"
    )
    | durations.COLUMNS
    | plain("state"),
    sort=TaskRunSort,
    default_sort=TaskRunSort.ID_DESC,
    sort_columns={"NAME": (beginning("name"), "name")},
    in_pages=(
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
    ),
)

STATES: Final = StateHistory("task_run_state", "task_run_id")


async def failed_within(connection: AsyncConnection[Any], flow_run_id: UUID) -> tuple[UUID, ...]:
    """The failed task runs of a flow run, at most 200."""
    query = "SELECT id FROM task_run WHERE flow_run_id = %(id)s AND state_type = 'FAILED' ORDER BY id LIMIT 200"
    return tuple(row["id"] for row in await rows(connection, query, {"id": flow_run_id}))
