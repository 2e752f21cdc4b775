"""What is asked about flow runs and their states."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from projections import durations
from projections.resource import Resource, StateHistory


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


def _of_queue(column: str) -> str:
    """What is told of the queue that a run is in, if there still is one."""
    pool = " JOIN work_pool AS p ON p.id = q.work_pool_id" if column.startswith("p.") else ""
    return f"(SELECT {column} FROM work_queue AS q{pool} WHERE q.id = flow_run.work_queue_id)"  # noqa: S608  our own text


_IDS: Final = "id, created, updated, name, flow_id, state_id, deployment_id, deployment_version"
_FIELDS: Final = (
    "flow_version, parameters, idempotency_key, context, empirical_policy, tags, labels,"
    " parent_task_run_id, state_type, state_name, run_count, expected_start_time, next_scheduled_start_time,"
    f" start_time, end_time, total_run_time, {durations.COLUMNS}, auto_scheduled, infrastructure_document_id,"
    " infrastructure_pid, created_by"
)

#: A run as workers are given it: the queue's id is told, its name is the run's own.
WITHOUT_STATE: Final = f"{_IDS}, work_queue_name, {_FIELDS}, work_queue_id, NULL::jsonb AS state, job_variables"

FLOW_RUNS: Final = Resource(
    table="flow_run",
    columns=f"{_IDS}, {_of_queue('q.id')} AS work_queue_id,"
    f" coalesce({_of_queue('q.name')}, work_queue_name) AS work_queue_name, {_FIELDS},"
    f" {_of_queue('p.id')} AS work_pool_id, {_of_queue('p.name')} AS work_pool_name, state, job_variables",
    sort=FlowRunSort,
    default_sort=FlowRunSort.ID_DESC,
    sort_columns={"START_TIME": "coalesce(start_time, expected_start_time)"},
)

STATES: Final = StateHistory("flow_run_state", "flow_run_id")
