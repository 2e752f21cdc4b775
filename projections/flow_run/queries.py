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


FLOW_RUNS: Final = Resource(
    table="flow_run",
    # Work pools do not exist yet, so that no run has one.
    columns="id, created, updated, name, flow_id, state_id, deployment_id, deployment_version, work_queue_id,"
    " work_queue_name, flow_version, parameters, idempotency_key, context, empirical_policy, tags, labels,"
    " parent_task_run_id, state_type, state_name, run_count, expected_start_time, next_scheduled_start_time,"
    f" start_time, end_time, total_run_time, {durations.COLUMNS}, auto_scheduled, infrastructure_document_id,"
    " infrastructure_pid, created_by, NULL::uuid AS work_pool_id, NULL::text AS work_pool_name, state, job_variables",
    sort=FlowRunSort,
    default_sort=FlowRunSort.ID_DESC,
    sort_columns={"START_TIME": "coalesce(start_time, expected_start_time)"},
)

STATES: Final = StateHistory("flow_run_state", "flow_run_id")
