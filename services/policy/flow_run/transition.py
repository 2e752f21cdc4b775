"""Decides one transition of a flow run: rules, run fields, and the state mirrored on a parent task run."""

from __future__ import annotations

from typing import Any

from events import ids
from events.flow_run.events import (
    FlowRunTransitionAborted,
    FlowRunTransitionAccepted,
    FlowRunTransitionDelayed,
    FlowRunTransitionRejected,
)
from events.message import Event
from events.state import Progress, ProposedState, State, StateType
from events.subjects import Aggregate
from services.policy.decider import Decision, Situation
from services.policy.flow_run.concurrency import Concurrency, release_slot
from services.policy.flow_run.rules import CORE, MINIMAL, FlowTransition
from services.policy.flow_run.state import FlowRun
from services.policy.orchestration import TICK, enter, leave, state_from
from services.policy.progress import advance
from services.policy.task_run.transition import mirror
from services.policy.transitions import acceptance_fields, refusal_fields, without_artifact_keys


def move(
    situation: Situation[FlowRun],
    proposed: ProposedState,
    *,
    force: bool = False,
    api_version: str | None = None,
    client_version: str | None = None,
) -> Decision:
    """Let the policy speak, and record what it said; a written subflow state goes to its parent task too."""
    run = situation.state
    t = FlowTransition(
        run,
        state_from(proposed, situation.command_id, situation.now),
        concurrency=Concurrency(situation, client_version),
        api_version=api_version,
        now=situation.now,
        command_id=situation.command_id,
    )
    settled = enter(MINIMAL if force else CORE, t)
    written, progress = _write(situation, t)
    leave(settled, t)
    # ReleaseFlowConcurrencySlots
    release_slot(t)
    event = _event(t, written, progress)
    mirrored = _mirrored(situation, written) if written else ()
    return Decision(events=(*t.concurrency.ledger.events, *mirrored, (situation.aggregate, event)))


def _write(situation: Situation[FlowRun], t: FlowTransition) -> tuple[State | None, Progress | None]:
    """The state as it is written, and the run fields after it."""
    if t.proposed is None:
        return None, None
    run = situation.state
    written = without_artifact_keys(_with_details(situation, _with_unique_timestamp(run, t.proposed)))
    count = _run_count(t, written)
    progress = advance(run.progress, run.state, written, run_count=count)
    if t.keeps_pause_marks and (written.type is StateType.RUNNING or written.is_terminal):
        # RemoveResumingIndicator
        t.mark(resuming=False)
    return written, progress


def _with_unique_timestamp(run: FlowRun, state: State) -> State:
    """EnsureFlowRunStateTimestampIsUnique: no two states of a run share a timestamp."""
    timestamp = state.timestamp
    while timestamp in run.timestamps:
        timestamp += TICK
    return state if timestamp == state.timestamp else state.model_copy(update={"timestamp": timestamp})


def _with_details(situation: Situation[FlowRun], state: State) -> State:
    """UpdateStateDetails and UpdateSubflowStateDetails: a state knows whose it is."""
    owners = {"flow_run_id": situation.id}
    if situation.state.parent_task_run_id is not None:
        owners["task_run_id"] = situation.state.parent_task_run_id
    details = state.state_details.model_copy(update=owners)
    return state.model_copy(update={"state_details": details})


def _run_count(t: FlowTransition, written: State) -> int:
    """IncrementFlowRunCount: a start counts, unless it goes on after a pause."""
    count = t.run.progress.run_count
    if written.type is not StateType.RUNNING or (t.policy.resuming and t.keeps_pause_marks):
        return count
    return count + 1


def _event(t: FlowTransition, written: State | None, progress: Progress | None) -> Event:
    policy: dict[str, Any] = {"empirical_policy": t.policy} if t.policy != t.run.policy else {}
    if t.status == "ACCEPT" and written is not None and progress is not None:
        return FlowRunTransitionAccepted(state=written, progress=progress, **policy, **acceptance_fields(t))
    if t.status == "WAIT":
        return FlowRunTransitionDelayed(delay_seconds=t.delay_seconds, **refusal_fields(t))
    if t.status == "ABORT":
        return FlowRunTransitionAborted(**refusal_fields(t))
    return FlowRunTransitionRejected(state=written, progress=progress, **policy, **refusal_fields(t))


def _mirrored(situation: Situation[FlowRun], written: State) -> tuple[tuple[Aggregate, Event], ...]:
    """UpdateSubflowParentTask: the task run that stands for a subflow is in the same state."""
    parent_id = situation.state.parent_task_run_id
    if parent_id is None:
        return ()
    key = Aggregate("task_run", str(parent_id))
    parent = situation.others.get(key)
    if parent is None or not parent.exists:
        return ()
    details = written.state_details.model_copy(update={"child_flow_run_id": situation.id})
    state = written.model_copy(
        update={
            "id": ids.derived(situation.command_id, "mirror"),
            "timestamp": written.timestamp + TICK,
            "state_details": details,
        }
    )
    return tuple((key, event) for event in mirror(key, parent, state, situation))
