"""The fold of a flow run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from antiphon.events.flow_run import events
from antiphon.events.message import Event
from antiphon.events.state import RunProgress, State
from antiphon.events.subjects import Aggregate
from antiphon.events.transition import artifact_id


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRun:
    """The state of a flow run that decisions need."""

    exists: bool = False
    #: It existed, and was deleted with everything that belonged to it.
    is_deleted: bool = False
    #: The flow it is a run of.
    flow: Aggregate | None = None
    deployment_id: UUID | None = None
    parent_task_run_id: UUID | None = None
    infrastructure_pid: str | None = None
    labels: tuple[tuple[str, bool | int | float | str], ...] = ()
    policy: events.FlowRunPolicy = events.FlowRunPolicy()
    state: State | None = None
    progress: RunProgress = RunProgress()
    #: The timestamps of all its states: no two states of a run share one.
    timestamps: frozenset[datetime] = frozenset()
    #: The artifacts of its states; they outlive the run.
    artifact_ids: frozenset[UUID] = frozenset()

    @property
    def belongs_to(self) -> Aggregate | None:
        """The owner, whose deletion also deletes it."""
        return self.flow


INITIAL = FlowRun()


def evolve(run: FlowRun, event: Event) -> FlowRun:
    """The run after `event`; other events leave it unchanged."""
    match event:
        case events.FlowRunTransitionAccepted() | events.FlowRunTransitionReplaced():
            return _moved(run, event)
        case events.FlowRunCreated():
            return _moved(begun(event, run), event)
        case events.FlowRunTransitionRejected():
            return replace(run, policy=event.empirical_policy or run.policy)
        case events.FlowRunUpdated():
            return _updated(run, event)
        case events.FlowRunDeleted():
            return FlowRun(is_deleted=True, artifact_ids=run.artifact_ids)
        case _:
            return run


def begun(fields: events.FlowRunFields, earlier: FlowRun) -> FlowRun:
    """A new run before it has a state; `earlier` is the deleted run of the same id, if there was one."""
    return FlowRun(
        exists=True,
        flow=Aggregate("flow", str(fields.flow_id)),
        deployment_id=fields.deployment_id,
        parent_task_run_id=fields.parent_task_run_id,
        labels=tuple(fields.labels.items()),
        policy=fields.empirical_policy,
        artifact_ids=earlier.artifact_ids,
    )


def _moved(
    run: FlowRun, event: events.FlowRunCreated | events.FlowRunTransitionAccepted | events.FlowRunTransitionReplaced
) -> FlowRun:
    artifact = artifact_id(event.state)
    return replace(
        run,
        state=event.state,
        progress=event.progress,
        policy=event.empirical_policy or run.policy,
        timestamps=run.timestamps | {event.state.timestamp},
        artifact_ids=run.artifact_ids if artifact is None else run.artifact_ids | {artifact},
    )


def _updated(run: FlowRun, event: events.FlowRunUpdated) -> FlowRun:
    changes, given = event.changes, event.changes.model_fields_set
    return replace(
        run,
        policy=changes.empirical_policy if "empirical_policy" in given else run.policy,
        infrastructure_pid=changes.infrastructure_pid if "infrastructure_pid" in given else run.infrastructure_pid,
        labels=tuple((dict(run.labels) | changes.labels).items()) if "labels" in given else run.labels,
    )
