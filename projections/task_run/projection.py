"""Projects the events of task runs."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from antiphon.events.log.port import Recorded
from antiphon.events.state import RunProgress
from antiphon.events.task_run.events import (
    TaskRunCreated,
    TaskRunDeleted,
    TaskRunFields,
    TaskRunRenamed,
    TaskRunStateRecorded,
    TaskRunTransitionAccepted,
    TaskRunTransitionReplaced,
)
from antiphon.events.transition import StateWritten
from antiphon.projections.artifact.projection import of_state
from antiphon.projections.core.change import Change, Move, Put, Row, Statement
from antiphon.projections.core.state import STATE_COLUMNS, progress_row, state_row
from antiphon.projections.core.table import Table

TASK_RUN: Final = Table(
    "task_run",
    {
        "id": "uuid",
        "created": "timestamptz",
        "updated": "timestamptz",
        "name": "text",
        "flow_run_id": "uuid",
        "task_key": "text",
        "dynamic_key": "text",
        "cache_key": "text",
        "cache_expiration": "timestamptz",
        "task_version": "text",
        "empirical_policy": "json",
        "tags": "text[]",
        "labels": "json",
        "task_inputs": "json",
        "state_id": "uuid",
        "state_type": "text",
        "state_name": "text",
        "state_timestamp": "timestamptz",
        "state": "json",
        "run_count": "bigint",
        "flow_run_run_count": "bigint",
        "start_time": "timestamptz",
        "end_time": "timestamptz",
        "expected_start_time": "timestamptz",
        "next_scheduled_start_time": "timestamptz",
        "total_run_time": "double precision",
    },
    moved=(
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
        "flow_run_run_count",
    ),
    kept_when_null=frozenset({"flow_run_run_count"}),
    computed={
        "awaits_flow_run": "t.flow_run_id IS NOT NULL"
        " AND NOT EXISTS (SELECT FROM flow_run WHERE flow_run.id = t.flow_run_id)"
    },
    looked_for={"flow_run_id": "flow_run"},
)
TASK_RUN_STATE: Final = Table("task_run_state", {"task_run_id": "uuid", **STATE_COLUMNS}, append_only=True)


def project(recorded: Recorded) -> list[Change]:
    """The row changes of one event of a task run; a refusal without a new state has none."""
    run_id, event, at = UUID(recorded.aggregate.id), recorded.event, recorded.metadata.occurred_at
    match event:
        case TaskRunStateRecorded():
            return _recorded(run_id, recorded, event)
        case TaskRunTransitionAccepted() | TaskRunTransitionReplaced():
            return _moved(run_id, recorded, event)
        case TaskRunCreated():
            return _created(run_id, recorded, event)
        case TaskRunRenamed():
            return [Statement("rename_task_run", {"id": run_id, "name": event.name, "at": at})]
        case TaskRunDeleted():
            return [Statement("delete_task_runs", {"ids": [run_id], "at": recorded.recorded_at})]
        case _:
            return []


def _row(run_id: UUID, recorded: Recorded, fields: TaskRunFields, progress: RunProgress) -> Row:
    at = recorded.metadata.occurred_at
    return fields.model_dump(mode="json") | progress_row(progress) | {"id": run_id, "created": at, "updated": at}


def _recorded(run_id: UUID, recorded: Recorded, event: TaskRunStateRecorded) -> list[Change]:
    state = state_row(event.state)
    changes: list[Change] = [Put(TASK_RUN_STATE, _history(run_id, state))]
    if event.is_latest and event.fields is not None and event.progress is not None:
        row = _row(run_id, recorded, event.fields, event.progress)
        changes.append(Put(TASK_RUN, row | state | {"flow_run_run_count": event.flow_run_run_count}))
    return changes


def _created(run_id: UUID, recorded: Recorded, event: TaskRunCreated) -> list[Change]:
    row = _row(run_id, recorded, event.fields, event.progress) | state_row(event.state)
    row["flow_run_run_count"] = event.flow_run_run_count
    return [Put(TASK_RUN, row), *_state_changes(run_id, recorded, event)]


def _moved(
    run_id: UUID, recorded: Recorded, event: TaskRunTransitionAccepted | TaskRunTransitionReplaced
) -> list[Change]:
    values = state_row(event.state) | progress_row(event.progress) | {"updated": recorded.metadata.occurred_at}
    values["flow_run_run_count"] = getattr(event, "flow_run_run_count", None)
    return [Move(TASK_RUN, run_id, values), *_state_changes(run_id, recorded, event)]


def _state_changes(run_id: UUID, recorded: Recorded, event: StateWritten) -> list[Change]:
    """Add the state to the run's history, and its data as an artifact."""
    flow_run_id = event.state.state_details.flow_run_id
    artifacts = of_state(recorded, event.state, event.artifact, flow_run_id=flow_run_id, task_run_id=run_id)
    return [Put(TASK_RUN_STATE, _history(run_id, state_row(event.state))), *artifacts]


def _history(run_id: UUID, state: Row) -> Row:
    return {
        "id": state["state_id"],
        "task_run_id": run_id,
        "timestamp": state["state_timestamp"],
        "state": state["state"],
    }
