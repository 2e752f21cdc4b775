"""Decides one transition of a flow run: rules, run fields, and the state mirrored on a parent task run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from antiphon.events import ids
from antiphon.events.message import Event
from antiphon.events.state import ProposedState, RunProgress, State, StateDetails, StateType
from antiphon.events.subjects import Aggregate
from antiphon.services.policy.engine.decider import Decision, Situation
from antiphon.services.policy.engine.orchestration import TICK, Rule, enter, leave
from antiphon.services.policy.engine.progress import advance
from antiphon.services.policy.engine.transitions import decided, without_artifact_keys
from antiphon.services.policy.kinds.flow_run.concurrency import release_slot
from antiphon.services.policy.kinds.flow_run.rules import CORE, FlowTransition
from antiphon.services.policy.kinds.flow_run.state import FlowRun
from antiphon.services.policy.kinds.task_run.transition import forced


def move(
    situation: Situation[FlowRun],
    proposed: ProposedState,
    *,
    policy: Sequence[Rule[FlowTransition]] = CORE,
    api_version: str | None = None,
    client_version: str | None = None,
    failed_task_runs: Sequence[UUID] = (),
) -> Decision:
    """Apply the policy and record the decision; the parent task run of a subflow gets the same state.

    For callers of old API versions, `failed_task_runs` may run again with the flow run.
    """
    t = FlowTransition(situation, proposed, api_version=api_version, client_version=client_version)
    settled = enter(policy, t)
    written, progress = _write(situation, t)
    leave(settled, t)
    # ReleaseFlowConcurrencySlots
    release_slot(t)
    marks = {} if t.policy == t.run.policy else {"empirical_policy": t.policy}
    event = decided("flow_run", t, written, progress, **marks)
    mirrored = _mirrored(situation, written) if written else ()
    retried = _retried(situation, t, failed_task_runs)
    return Decision(events=(*t.concurrency.ledger.events, *mirrored, *retried, (situation.aggregate, event)))


def _write(situation: Situation[FlowRun], t: FlowTransition) -> tuple[State | None, RunProgress | None]:
    """The state as it is written, and the run fields after it."""
    if t.proposed is None:
        return None, None
    run = situation.state
    written = without_artifact_keys(_of_its_run(situation, t.proposed))
    count = _run_count(t, written)
    progress = advance(run.progress, run.state, written, run_count=count)
    if t.keeps_pause_marks and (written.type is StateType.RUNNING or written.is_terminal):
        # RemoveResumingIndicator
        t.mark(resuming=False)
    return written, progress


def _of_its_run(situation: Situation[FlowRun], state: State) -> State:
    """UpdateStateDetails, UpdateSubflowStateDetails: a state names its run, and its timestamp is unique."""
    owners = {"flow_run_id": situation.id}
    if situation.state.parent_task_run_id is not None:
        owners["task_run_id"] = situation.state.parent_task_run_id
    timestamp = _unique_timestamp(situation.state, state)
    return state.changed(state_details=state.state_details.changed(**owners), timestamp=timestamp)


def _unique_timestamp(run: FlowRun, state: State) -> datetime:
    """EnsureFlowRunStateTimestampIsUnique: no two states of a run share a timestamp."""
    timestamp = state.timestamp
    while timestamp in run.timestamps:
        timestamp += TICK
    return timestamp


def _run_count(t: FlowTransition, written: State) -> int:
    """IncrementFlowRunCount: count each start, except after a pause."""
    count = t.run.progress.run_count
    if written.type is not StateType.RUNNING or (t.policy.resuming and t.keeps_pause_marks):
        return count
    return count + 1


def _mirrored(situation: Situation[FlowRun], written: State) -> tuple[tuple[Aggregate, Event], ...]:
    """UpdateSubflowParentTask: the task run that stands for a subflow is in the same state."""
    parent_id = situation.state.parent_task_run_id
    if parent_id is None:
        return ()
    key = Aggregate("task_run", str(parent_id))
    parent = situation.others[key]
    details = written.state_details.model_copy(update={"child_flow_run_id": situation.id})
    state = written.model_copy(
        update={
            "id": ids.derived(situation.command_id, "mirror"),
            "timestamp": written.timestamp + TICK,
            "state_details": details,
        }
    )
    return ((key, forced(key, parent, state)),)


def _retried(
    situation: Situation[FlowRun], t: FlowTransition, task_runs: Sequence[UUID]
) -> tuple[tuple[Aggregate, Event], ...]:
    """The failed task runs of a retried flow run, each waiting for its next run (docs/prefect/rules.md section 9)."""
    if t.tasks_retry_at is None:
        return ()
    details = StateDetails(scheduled_time=t.tasks_retry_at)
    events: list[tuple[Aggregate, Event]] = []
    for task_run_id in task_runs:
        key = Aggregate("task_run", str(task_run_id))
        run = situation.others[key]
        if run.flow_run_id != situation.id or run.state is None or run.state.type is not StateType.FAILED:
            continue
        state = State(
            id=ids.derived(situation.command_id, f"retry {task_run_id}"),
            type=StateType.SCHEDULED,
            name="AwaitingRetry",
            timestamp=situation.now + TICK,
            state_details=details,
        )
        events.append((key, forced(key, run, state, run_count=0)))
    return tuple(events)
