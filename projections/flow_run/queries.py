"""Queries on flow runs and their states."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from antiphon.projections.core import durations
from antiphon.projections.filters.conditions import beginning
from antiphon.projections.resource import Resource, StateHistory, plain, selected


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


_IDS: Final = plain("id created updated name flow_id state_id deployment_id deployment_version")
_FIELDS: Final = (
    plain(
        "flow_version parameters idempotency_key context empirical_policy tags labels parent_task_run_id state_type"
        " state_name run_count expected_start_time next_scheduled_start_time start_time end_time total_run_time"
    )
    | durations.COLUMNS
    | plain("auto_scheduled infrastructure_document_id infrastructure_pid created_by")
)

#: A run in the form for workers: with the id of its queue, and the queue's name from the run itself.
WITHOUT_STATE: Final = selected(
    _IDS
    | plain("work_queue_name")
    | _FIELDS
    | plain("work_queue_id")
    | {"state": "NULL::jsonb"}
    | plain("job_variables")
)

#: The queue of a run, if it still exists.
_QUEUE: Final = (
    "SELECT q.id AS queue_id, q.name AS queue_name, p.id AS pool_id, p.name AS pool_name"
    " FROM work_queue AS q LEFT JOIN work_pool AS p ON p.id = q.work_pool_id"
)

FLOW_RUNS: Final = Resource(
    table="flow_run",
    columns=_IDS
    | {"work_queue_id": "queue_id", "work_queue_name": "coalesce(queue_name, work_queue_name)"}
    | _FIELDS
    | {"work_pool_id": "pool_id", "work_pool_name": "pool_name"}
    | plain("state job_variables"),
    joined_with=f" LEFT JOIN ({_QUEUE}) AS queue ON queue_id = work_queue_id",
    sort=FlowRunSort,
    default_sort=FlowRunSort.ID_DESC,
    sort_columns={"START_TIME": ("coalesce(start_time, expected_start_time)",), "NAME": (beginning("name"), "name")},
)

STATES: Final = StateHistory("flow_run_state", "flow_run_id")
