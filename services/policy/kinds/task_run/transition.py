"""Decides one transition of a task run: rules, run fields, the task cache, and states its flow run forces on it."""

from __future__ import annotations

from uuid import UUID

from antiphon.events.message import Event
from antiphon.events.state import ProposedState, State, StateType
from antiphon.events.subjects import Aggregate
from antiphon.events.task_cache.events import TaskCacheConsulted, TaskCacheFilled
from antiphon.events.task_run.events import (
    TaskRunTransitionAccepted,
)
from antiphon.services.policy.engine.answers import as_read
from antiphon.services.policy.engine.decider import Decision, Situation
from antiphon.services.policy.engine.orchestration import enter, leave
from antiphon.services.policy.engine.progress import advance
from antiphon.services.policy.engine.transitions import decided, without_artifact_keys
from antiphon.services.policy.kinds.task_run import cache
from antiphon.services.policy.kinds.task_run.concurrency import release_slots
from antiphon.services.policy.kinds.task_run.rules import TaskTransition, policy_for
from antiphon.services.policy.kinds.task_run.state import TaskRun


def move(situation: Situation[TaskRun], proposed: ProposedState, *, force: bool = False) -> Decision:
    """Apply the policy and record the decision, also in the task cache."""
    run = situation.state
    flow_run_key = Aggregate("flow_run", str(run.flow_run_id))
    cache_key = cache.cache_of(proposed)
    cached = cache.found(cache_key, situation) if cache_key else None
    t = TaskTransition(situation, proposed, flow_run=situation.others.get(flow_run_key), cached=cached)
    settled = enter(policy_for(t.requested, force=force), t)
    written, progress = None, None
    if t.proposed is not None:
        written = without_artifact_keys(_with_details(situation.id, run, t.proposed))
        progress = advance(run.progress, run.state, written, run_count=_run_count(t.run_count, written))
    leave(settled, t)
    # ReleaseTaskConcurrencySlots
    release_slots(t)
    events: list[tuple[Aggregate, Event]] = [*t.slots.ledger.events]
    if cache_key is not None:
        events.extend((cache_key, event) for event in _cache_events(situation.id, t, written))
    marks = {} if t.tracked_run_count is None else {"flow_run_run_count": t.tracked_run_count}
    events.append((situation.aggregate, decided("task_run", t, written, progress, **marks)))
    return Decision(events=tuple(events))


def _cache_events(run_id: UUID, t: TaskTransition, written: State | None) -> tuple[Event, ...]:
    if t.consults_cache:
        return (TaskCacheConsulted(task_run_id=run_id, found=t.cached.id if t.cached else None),)
    if t.fills_cache and written is not None:
        return (TaskCacheFilled(state=as_read(written)),)
    return ()


def forced(key: Aggregate, run: TaskRun, state: State, *, run_count: int | None = None) -> Event:
    """The event of a state that a flow run forces on a task run: a subflow's state, or a retry."""
    written = _with_details(UUID(key.id), run, state)
    count = _run_count(run.progress.run_count, written) if run_count is None else run_count
    return TaskRunTransitionAccepted(state=written, progress=advance(run.progress, run.state, written, run_count=count))


def _with_details(run_id: UUID, run: TaskRun, state: State) -> State:
    """UpdateStateDetails: a state names its run."""
    details = state.state_details.model_copy(update={"flow_run_id": run.flow_run_id, "task_run_id": run_id})
    return state.model_copy(update={"state_details": details})


def _run_count(count: int, written: State) -> int:
    """IncrementTaskRunCount: count each start."""
    return count + 1 if written.type is StateType.RUNNING else count
