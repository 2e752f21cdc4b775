"""A run as its events up to a moment make it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from antiphon.events.flow_run.events import FlowRunCreated, FlowRunDeleted, FlowRunUpdated
from antiphon.events.log.port import Recorded
from antiphon.events.message import Event
from antiphon.events.state import RunProgress, State
from antiphon.events.task_run.events import TaskRunCreated, TaskRunDeleted, TaskRunRenamed, TaskRunStateRecorded
from antiphon.events.transition import StateWritten


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldedRun:
    """The fold of the events of one run.

    It has what the run's own events say. Fields that the API derives from other objects, or from the time of the
    question (lateness, estimates), are at `/antiphon/v1/flow_runs/<id>?as_of=`.
    """

    kind: str
    id: str
    #: Of the last event that was folded, and its time by the log's clock.
    position: int
    recorded_at: datetime
    name: str
    state: State
    #: Run count, times, and the time spent in RUNNING.
    progress: RunProgress
    tags: tuple[str, ...] = ()
    #: Of a flow run.
    flow_id: UUID | None = None
    deployment_id: UUID | None = None
    #: Of a task run that has one.
    flow_run_id: UUID | None = None
    #: A deletion leaves the last state.
    is_deleted: bool = False


def fold(events: Iterable[Recorded]) -> FoldedRun | None:
    """The run after its events, oldest first; None where they create none."""
    run: FoldedRun | None = None
    for item in events:
        run = _created(item) or (run and _evolved(run, item.event))
        run = run and replace(run, position=item.position, recorded_at=item.recorded_at)
    return run


def _created(item: Recorded) -> FoldedRun | None:
    event = item.event
    if isinstance(event, FlowRunCreated):
        run = _named(item, event.name, event.state, event.progress, event.tags)
        return replace(run, flow_id=event.flow_id, deployment_id=event.deployment_id)
    if (
        isinstance(event, TaskRunCreated | TaskRunStateRecorded)
        and event.fields is not None
        and event.progress is not None
    ):
        run = _named(item, event.fields.name, event.state, event.progress, event.fields.tags)
        return replace(run, flow_run_id=event.fields.flow_run_id)
    return None


def _named(item: Recorded, name: str, state: State, progress: RunProgress, tags: tuple[str, ...]) -> FoldedRun:
    return FoldedRun(
        kind=item.aggregate.kind,
        id=item.aggregate.id,
        position=item.position,
        recorded_at=item.recorded_at,
        name=name,
        state=state,
        progress=progress,
        tags=tags,
    )


def _evolved(run: FoldedRun, event: Event) -> FoldedRun:
    match event:
        case StateWritten():
            return replace(run, state=event.state, progress=event.progress)
        case FlowRunUpdated():
            given = event.changes.model_fields_set
            name = event.changes.name if "name" in given and event.changes.name is not None else run.name
            return replace(run, name=name, tags=event.changes.tags if "tags" in given else run.tags)
        case TaskRunRenamed():
            return replace(run, name=event.name)
        case FlowRunDeleted() | TaskRunDeleted():
            return replace(run, is_deleted=True)
        case _:
            return run
