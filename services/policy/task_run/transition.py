"""Decides one transition of a task run: rules, run fields, and the mirror of a subflow's state."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from events.message import Event
from events.state import Progress, ProposedState, State, StateType
from events.subjects import Aggregate
from events.task_run.events import (
    TaskRunFlowRunTracked,
    TaskRunTransitionAborted,
    TaskRunTransitionAccepted,
    TaskRunTransitionDelayed,
    TaskRunTransitionRejected,
)
from services.policy.decider import Decision, Situation
from services.policy.orchestration import enter, leave, state_from
from services.policy.progress import advance
from services.policy.task_run.concurrency import TagSlots, release_slots
from services.policy.task_run.rules import CORE, MINIMAL, TaskTransition
from services.policy.task_run.state import TaskRun
from services.policy.transitions import acceptance_fields, refusal_fields, without_artifact_keys


def move(situation: Situation[TaskRun], proposed: ProposedState, *, force: bool = False) -> Decision:
    """Let the policy speak, and record what it said."""
    run = situation.state
    flow_run_key = Aggregate("flow_run", str(run.flow_run_id))
    t = TaskTransition(
        run,
        state_from(proposed, situation.command_id, situation.now),
        slots=TagSlots(situation, run),
        flow_run=situation.others.get(flow_run_key),
        now=situation.now,
        command_id=situation.command_id,
    )
    settled = enter(MINIMAL if force else CORE, t)
    written, progress = None, None
    if t.proposed is not None:
        written = without_artifact_keys(_with_details(situation.id, run, t.proposed))
        progress = advance(run.progress, run.state, written, run_count=_run_count(t.run_count, run.state, written))
    leave(settled, t)
    # ReleaseTaskConcurrencySlots
    release_slots(t)
    events: list[tuple[Aggregate, Event]] = [*t.slots.ledger.events]
    if t.tracked_run_count is not None:
        events.append((situation.aggregate, TaskRunFlowRunTracked(flow_run_run_count=t.tracked_run_count)))
    events.append((situation.aggregate, _event(t, written, progress)))
    starts = t.tracked_run_count is not None
    return Decision(events=tuple(events), unchanged=(flow_run_key,) if starts else ())


def mirror(key: Aggregate, parent: TaskRun, state: State, situation: Situation[Any]) -> tuple[Event, ...]:
    """The transition of a task run that stands for a subflow, forced into the subflow's state."""
    named = Situation(aggregate=key, state=parent, now=situation.now, command_id=situation.command_id)
    written = _with_details(named.id, parent, state)
    count = _run_count(parent.progress.run_count, parent.state, written)
    progress = advance(parent.progress, parent.state, written, run_count=count)
    return (TaskRunTransitionAccepted(state=written, progress=progress),)


def _with_details(run_id: UUID, run: TaskRun, state: State) -> State:
    """UpdateStateDetails: a state knows whose it is."""
    details = state.state_details.model_copy(update={"flow_run_id": run.flow_run_id, "task_run_id": run_id})
    return state.model_copy(update={"state_details": details})


def _run_count(count: int, initial: State | None, written: State) -> int:
    """IncrementTaskRunCount: a start counts; leaving a terminal state starts counting anew."""
    if initial is not None and initial.is_terminal and not written.is_terminal:
        count = 0
    return count + 1 if written.type is StateType.RUNNING else count


def _event(t: TaskTransition, written: State | None, progress: Progress | None) -> Event:
    if t.status == "ACCEPT" and written is not None and progress is not None:
        return TaskRunTransitionAccepted(state=written, progress=progress, **acceptance_fields(t))
    if t.status == "WAIT":
        return TaskRunTransitionDelayed(delay_seconds=t.delay_seconds, **refusal_fields(t))
    if t.status == "ABORT":
        return TaskRunTransitionAborted(**refusal_fields(t))
    return TaskRunTransitionRejected(state=written, progress=progress, **refusal_fields(t))
