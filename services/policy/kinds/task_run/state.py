"""The fold of a task run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from antiphon.events.message import Event
from antiphon.events.state import RunProgress, State
from antiphon.events.subjects import Aggregate
from antiphon.events.task_run import events
from antiphon.events.transition import artifact_id


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRun:
    """The state of a task run that decisions need."""

    fields: events.TaskRunFields | None = None
    state: State | None = None
    progress: RunProgress = RunProgress()
    #: The run count of the flow run when this task run last started.
    flow_run_run_count: int = 0
    #: The ids of all its states, so that a repeated report is recorded once.
    state_ids: frozenset[UUID] = frozenset()
    #: The artifacts of its states; they outlive the run.
    artifact_ids: frozenset[UUID] = frozenset()

    @property
    def exists(self) -> bool:
        """Whether there is such a task run."""
        return self.fields is not None

    @property
    def flow_run_id(self) -> UUID | None:
        """The flow run it belongs to."""
        return self.fields.flow_run_id if self.fields else None

    @property
    def belongs_to(self) -> Aggregate | None:
        """The owner, whose deletion also deletes it."""
        return None if self.flow_run_id is None else Aggregate("flow_run", str(self.flow_run_id))


INITIAL = TaskRun()


def evolve(run: TaskRun, event: Event) -> TaskRun:
    """The run after `event`; other events leave it unchanged."""
    match event:
        case events.TaskRunStateRecorded():
            return _recorded(run, event)
        case events.TaskRunTransitionAccepted() | events.TaskRunTransitionReplaced():
            return _moved(run, event)
        case events.TaskRunCreated():
            return _moved(TaskRun(fields=event.fields, artifact_ids=run.artifact_ids), event)
        case events.TaskRunRenamed() if run.fields is not None:
            return replace(run, fields=run.fields.model_copy(update={"name": event.name}))
        case events.TaskRunDeleted():
            return TaskRun(artifact_ids=run.artifact_ids)
        case _:
            return run


def _recorded(run: TaskRun, event: events.TaskRunStateRecorded) -> TaskRun:
    known = run.state_ids | {event.state.id}
    if not event.is_latest:
        return replace(run, state_ids=known)
    return TaskRun(
        fields=event.fields or run.fields,
        state=event.state,
        progress=event.progress or run.progress,
        flow_run_run_count=event.flow_run_run_count,
        state_ids=known,
        artifact_ids=run.artifact_ids,
    )


def _moved(
    run: TaskRun, event: events.TaskRunCreated | events.TaskRunTransitionAccepted | events.TaskRunTransitionReplaced
) -> TaskRun:
    artifact = artifact_id(event.state)
    tracked = None if isinstance(event, events.TaskRunTransitionReplaced) else event.flow_run_run_count
    return replace(
        run,
        state=event.state,
        progress=event.progress,
        flow_run_run_count=run.flow_run_run_count if tracked is None else tracked,
        state_ids=run.state_ids | {event.state.id},
        artifact_ids=run.artifact_ids if artifact is None else run.artifact_ids | {artifact},
    )
