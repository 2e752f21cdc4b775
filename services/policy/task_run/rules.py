"""The rules that decide a task run's transitions: Prefect's policies as ordered tables (rules.md 2 and 4).

Those about limits on tags are in concurrency.py; those about the task cache and background tasks are not here yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import Final, Protocol

from events.state import Progress, State, StateDetails, StateType, is_unpersisted
from events.task_run.events import TaskRunPolicy
from services.policy.jitter import clamped_interval
from services.policy.orchestration import ANY, TERMINAL, Rule, types
from services.policy.scheduled_time import copy_scheduled_time, wait_for_scheduled_time
from services.policy.task_run.concurrency import TaggedTransition, TagSlots, give_up_slots, secure_slots
from services.policy.task_run.state import TaskRun

SCHEDULED, PENDING, RUNNING = StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING
COMPLETED, FAILED, CRASHED = StateType.COMPLETED, StateType.FAILED, StateType.CRASHED
PAUSED, CANCELLING = StateType.PAUSED, StateType.CANCELLING


class EnclosingFlowRun(Protocol):
    """What a task run's rules need to know of its flow run."""

    @property
    def state(self) -> State | None:
        """The state it is in."""

    @property
    def progress(self) -> Progress:
        """Its run fields."""


class TaskTransition(TaggedTransition):
    """A task run's transition: the run beside it, and the flow run that encloses it."""

    def __init__(
        self, run: TaskRun, proposed: State, *, slots: TagSlots, flow_run: EnclosingFlowRun | None, **when: object
    ) -> None:
        super().__init__(run, proposed, slots=slots, **when)
        self.flow_run = flow_run
        self.run_count = run.progress.run_count
        #: The enclosing flow run's count, where the task started within it.
        self.tracked_run_count: int | None = None


def carries_result(state: State) -> bool:
    """Whether a state holds data other than a note that the result was not persisted."""
    return bool(state.data) and not is_unpersisted(state.data)


def handle_terminal_state(t: TaskTransition) -> None:
    """What a task run that has ended may still do: start over, with a fresh run count."""
    initial, proposed = t.initial, t.requested
    if initial is None:
        return
    if proposed.type in (CANCELLING, PAUSED, CRASHED):
        t.abort(f"Run is already {initial.type.value}.")
    elif initial.type is COMPLETED and carries_result(initial):
        t.reject("This run is already completed.")
    elif not proposed.is_terminal:
        t.run_count = 0
        flow_run = t.flow_run
        if proposed.type is RUNNING and flow_run and t.run.flow_run_run_count < flow_run.progress.run_count:
            t.rename("Retrying")


def restore_run_count(t: TaskTransition) -> None:
    """Take the fresh run count back."""
    t.run_count = t.run.progress.run_count


def prevent_running_in_stopped_flow(t: TaskTransition) -> None:
    """A task runs only while its flow run does; in a paused one it waits."""
    if t.run.flow_run_id is None:
        return
    enclosing = t.flow_run.state if t.flow_run else None
    if enclosing is None or enclosing.type not in (RUNNING, PAUSED):
        t.abort("The enclosing flow must be running to begin task execution.")
    elif enclosing.type is PAUSED:
        pause = enclosing.state_details
        details = StateDetails(pause_timeout=pause.pause_timeout, pause_reschedule=pause.pause_reschedule)
        t.reject(
            f"The flow is paused, new tasks can execute after resuming flow run: {t.run.flow_run_id}.",
            t.replacement(PAUSED, "NotReady", details=details),
        )


def retry_failed(t: TaskTransition) -> None:
    """A failed run with retries left waits for its next run instead."""
    policy = t.run.fields.empirical_policy if t.run.fields else TaskRunPolicy()
    failed = t.requested
    if failed.state_details.retriable is False:
        return
    count = t.run.progress.run_count
    if policy.retries is None or count > policy.retries:
        return
    delay = timedelta(seconds=_retry_delay(policy, count, Random(t.command_id.int)))  # noqa: S311  a delay
    t.reject(
        "Retrying",
        t.replacement(
            SCHEDULED,
            "AwaitingRetry",
            failed.message,
            data=failed.data,
            details=StateDetails(scheduled_time=t.now + delay),
        ),
    )


def _retry_delay(policy: TaskRunPolicy, run_count: int, dice: Random) -> float:
    """Seconds: the one delay, or the one of this retry; jittered where the policy says so."""
    delay = policy.retry_delay
    if isinstance(delay, tuple):
        delay = delay[min(run_count - 1, len(delay) - 1)] if delay else 0
    if delay and policy.retry_jitter_factor:
        return clamped_interval(delay, policy.retry_jitter_factor, dice)
    return float(delay or 0)


def rename_reruns(t: TaskTransition) -> None:
    """The second and later starts have names of their own."""
    if t.run_count > 0:
        t.rename("Retrying" if t.initial is not None and t.initial.name == "AwaitingRetry" else "Rerunning")


def track_flow_run(t: TaskTransition) -> None:
    """Remember in which run of the flow run the task started."""
    if t.run.flow_run_id is not None and t.flow_run is not None and t.status == "ACCEPT":
        t.tracked_run_count = t.flow_run.progress.run_count


def _allow(_: TaskTransition) -> None:
    """A rule that has only an after-effect."""


CORE: Final[Sequence[Rule[TaskTransition]]] = (
    Rule("HandleTaskTerminalStateTransitions", TERMINAL, ANY, handle_terminal_state, undo=restore_run_count),
    Rule("PreventRunningTasksFromStoppedFlows", ANY, types(RUNNING), prevent_running_in_stopped_flow),
    Rule("SecureTaskConcurrencySlots", ANY, types(RUNNING), secure_slots, undo=give_up_slots),
    Rule("CopyScheduledTime", types(SCHEDULED), types(PENDING), copy_scheduled_time),
    Rule("WaitForScheduledTime", types(SCHEDULED, PENDING), types(RUNNING), wait_for_scheduled_time),
    Rule("RetryFailedTasks", types(RUNNING), types(FAILED), retry_failed),
    Rule("RenameReruns", ANY, types(RUNNING), rename_reruns),
    Rule("UpdateFlowRunTrackerOnTasks", ANY, types(RUNNING), _allow, after=track_flow_run),
)

#: In force for forced transitions, first states, and states mirrored from a subflow.
MINIMAL: Final[Sequence[Rule[TaskTransition]]] = ()
