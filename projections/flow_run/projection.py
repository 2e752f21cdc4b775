"""Projects the events of flow runs."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from antiphon.events.flow_run.events import (
    FlowRunCreated,
    FlowRunDeleted,
    FlowRunTransitionAccepted,
    FlowRunTransitionRejected,
    FlowRunTransitionReplaced,
    FlowRunUpdated,
)
from antiphon.events.log.port import Recorded
from antiphon.events.transition import StateWritten
from antiphon.projections.artifact.projection import of_state
from antiphon.projections.core.change import Change, Move, Put, Row, Statement
from antiphon.projections.core.state import STATE_COLUMNS, progress_row, state_row
from antiphon.projections.core.table import Table

_MOVED: Final = (
    "updated",
    "state_id",
    "state_type",
    "state_name",
    "state_timestamp",
    "state",
    "run_count",
    "start_time",
    "end_time",
    "expected_start_time",
    "next_scheduled_start_time",
    "total_run_time",
    "empirical_policy",
)

FLOW_RUN: Final = Table(
    "flow_run",
    {
        "id": "uuid",
        "created": "timestamptz",
        "updated": "timestamptz",
        "name": "text",
        "flow_id": "uuid",
        "deployment_id": "uuid",
        "deployment_version": "text",
        "work_queue_id": "uuid",
        "work_queue_name": "text",
        "flow_version": "text",
        "idempotency_key": "text",
        "parent_task_run_id": "uuid",
        "infrastructure_document_id": "uuid",
        "infrastructure_pid": "text",
        "auto_scheduled": "boolean",
        "tags": "text[]",
        "labels": "json",
        "parameters": "json",
        "context": "json",
        "job_variables": "json",
        "created_by": "json",
        "empirical_policy": "json",
        "state_id": "uuid",
        "state_type": "text",
        "state_name": "text",
        "state_timestamp": "timestamptz",
        "state": "json",
        "run_count": "bigint",
        "start_time": "timestamptz",
        "end_time": "timestamptz",
        "expected_start_time": "timestamptz",
        "next_scheduled_start_time": "timestamptz",
        "total_run_time": "double precision",
    },
    moved=_MOVED,
    kept_when_null=frozenset({"empirical_policy"}),
    after_put="show_task_runs",
)
#: The fields of an event that are no columns of the run.
_WRITTEN: Final = set(StateWritten.model_fields)
FLOW_RUN_STATE: Final = Table("flow_run_state", {"flow_run_id": "uuid", **STATE_COLUMNS}, append_only=True)


def project(recorded: Recorded) -> list[Change]:
    """The row changes of one event of a flow run; a refusal without a new state has none."""
    run_id, event = UUID(recorded.aggregate.id), recorded.event
    match event:
        case FlowRunTransitionAccepted() | FlowRunTransitionReplaced():
            return _moved(run_id, recorded, event)
        case FlowRunTransitionRejected() if event.empirical_policy is not None:
            # The rejecting rule changed the run's policy.
            policy = event.empirical_policy.model_dump(mode="json")
            return [Statement("mark_flow_run", {"id": run_id, "policy": policy})]
        case FlowRunCreated():
            return _created(run_id, recorded, event)
        case FlowRunUpdated():
            changes = event.changes.model_dump(mode="json", include=event.changes.model_fields_set)
            return [
                Statement("update_flow_run", {"id": run_id, "at": recorded.metadata.occurred_at, "changes": changes})
            ]
        case FlowRunDeleted():
            return [Statement("delete_flow_runs", {"ids": [run_id], "at": recorded.recorded_at})]
        case _:
            return []


def _created(run_id: UUID, recorded: Recorded, event: FlowRunCreated) -> list[Change]:
    at = recorded.metadata.occurred_at
    row = event.model_dump(mode="json", exclude=_WRITTEN) | _written(event)
    row |= {"id": run_id, "created": at, "updated": at}
    if event.job_variables is None and not event.idempotency_key:
        # Prefect's default. It does not apply to runs with an idempotency key, which Prefect inserts differently.
        row["job_variables"] = {}
    return [Put(FLOW_RUN, row), *_state_changes(run_id, recorded, event)]


def _moved(
    run_id: UUID, recorded: Recorded, event: FlowRunTransitionAccepted | FlowRunTransitionReplaced
) -> list[Change]:
    values = _written(event) | {"updated": recorded.metadata.occurred_at}
    if event.empirical_policy is not None:
        values["empirical_policy"] = event.empirical_policy.model_dump(mode="json")
    return [Move(FLOW_RUN, run_id, values), *_state_changes(run_id, recorded, event)]


def _written(event: StateWritten) -> Row:
    return state_row(event.state) | progress_row(event.progress)


def _state_changes(run_id: UUID, recorded: Recorded, event: StateWritten) -> list[Change]:
    """Add the state to the run's history, and its data as an artifact."""
    row = state_row(event.state)
    history = {"id": row["state_id"], "flow_run_id": run_id, "timestamp": row["state_timestamp"], "state": row["state"]}
    return [Put(FLOW_RUN_STATE, history), *of_state(recorded, event.state, event.artifact, flow_run_id=run_id)]
