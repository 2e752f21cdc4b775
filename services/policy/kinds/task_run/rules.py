"""The rules that decide a task run's transitions: Prefect's policies as ordered tables (docs/prefect/rules.md 2 and 4).

The rules about limits on tags are in concurrency.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final, Protocol

from antiphon.events.outcome import Status
from antiphon.events.state import ProposedState, RunProgress, State, StateDetails, StateType, is_unpersisted
from antiphon.events.task_run.events import TaskRunPolicy
from antiphon.services.policy.engine.decider import Situation
from antiphon.services.policy.engine.jitter import clamped_interval
from antiphon.services.policy.engine.orchestration import ANY, TERMINAL, Rule, delay_of, types
from antiphon.services.policy.engine.shared_rules import (
    SUBMITTED,
    copy_scheduled_time,
    prevent_pending,
    wait_for_scheduled_time,
)
from antiphon.services.policy.kinds.task_run.concurrency import TaggedTransition, give_up_slots, secure_slots
from antiphon.services.policy.kinds.task_run.state import TaskRun

SCHEDULED, PENDING, RUNNING = StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING
COMPLETED, FAILED, CRASHED = StateType.COMPLETED, StateType.FAILED, StateType.CRASHED
PAUSED, CANCELLING = StateType.PAUSED, StateType.CANCELLING

#: Prefect's `server.tasks.max_cache_key_length`.
LONGEST_CACHE_KEY: Final = 2000


class EnclosingFlowRun(Protocol):
    """The part of a flow run that the rules of its task runs read."""

    @property
    def state(self) -> State | None:
        """The state it is in."""

    @property
    def progress(self) -> RunProgress:
        """Its run fields."""


class TaskTransition(TaggedTransition):
    """A task run's transition, with the run and its flow run."""

    def __init__(
        self,
        situation: Situation[TaskRun],
        proposed: ProposedState,
        *,
        flow_run: EnclosingFlowRun | None,
        cached: State | None,
    ) -> None:
        super().__init__(situation, proposed)
        self.flow_run = flow_run
        #: The cached state of the proposed state's cache key.
        self.cached = cached
        self.consults_cache = False
        self.fills_cache = False
        self.run_count = self.run.progress.run_count
        #: The run count of the flow run at the start of the task.
        self.tracked_run_count: int | None = None


def retrieve_cached(t: TaskTransition) -> None:
    """Reuse the cached state of the same cache key, instead of a new computation."""
    details = t.requested.state_details
    if not details.cache_key or details.refresh_cache:
        return
    t.consults_cache = True
    if t.cached is not None:
        cached = t.cached
        copy = t.replacement(cached.type, "Cached", cached.message, data=cached.data, details=cached.state_details)
        t.reject("Retrieved state from cache", copy)


def limit_cache_key(t: TaskTransition) -> None:
    """Refuse a cache key that is too long; the run is completed and cached nevertheless."""
    if len(t.requested.state_details.cache_key or "") > LONGEST_CACHE_KEY:
        reason = f"Cache key exceeded maximum allowed length of {LONGEST_CACHE_KEY} characters."
        t.reject(reason, t.proposed)


def fill_cache(t: TaskTransition) -> None:
    """Cache the completed state for other task runs."""
    t.fills_cache = t.proposed is not None and bool(t.proposed.state_details.cache_key)


def carries_result(state: State) -> bool:
    """Whether a state holds data other than a note that the result was not persisted."""
    return bool(state.data) and not is_unpersisted(state.data)


def handle_terminal_state(t: TaskTransition) -> None:
    """An ended task run may only start again, with a new run count."""
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
    """Restore the former run count."""
    t.run_count = t.run.progress.run_count


def prevent_running_in_stopped_flow(t: TaskTransition) -> None:
    """A task run runs only while its flow run does; if that is paused, it waits."""
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
    """A failed run with retries left is scheduled again instead."""
    policy = t.run.fields.empirical_policy if t.run.fields else TaskRunPolicy()
    failed = t.requested
    if failed.state_details.retriable is False:
        return
    count = t.run.progress.run_count
    if policy.retries is None or count > policy.retries:
        return
    delay = delay_of(_retry_delay(policy, count, Random(t.command_id.int)))  # noqa: S311  a delay
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
    """The delay of this retry in seconds, with jitter if the policy sets it."""
    delay = policy.retry_delay
    if isinstance(delay, tuple):
        # A count that was reported may be zero, or less.
        delay = delay[max(-1, min(run_count - 1, len(delay) - 1))] if delay else 0
    seconds = delay_of(delay or 0).total_seconds()
    factor = policy.retry_jitter_factor or 0
    return clamped_interval(seconds, factor, dice) if seconds > 0 and factor > 0 else seconds


def rename_reruns(t: TaskTransition) -> None:
    """Rename the state of second and later starts."""
    if t.run_count > 0:
        t.rename("Retrying" if t.initial is not None and t.initial.name == "AwaitingRetry" else "Rerunning")


def track_flow_run(t: TaskTransition) -> None:
    """Record the flow run's run count at the start of the task."""
    if t.run.flow_run_id is not None and t.flow_run is not None and t.status is Status.ACCEPT:
        t.tracked_run_count = t.flow_run.progress.run_count


def copy_task_parameters_id(t: TaskTransition) -> None:
    """Copy the id of the parameters that a background task was submitted with."""
    if t.initial is not None and t.requested.state_details.task_parameters_id is None:
        t.set_details(task_parameters_id=t.initial.state_details.task_parameters_id)


_Row = Rule[TaskTransition]

_CACHE_RETRIEVAL: Final[_Row] = Rule("CacheRetrieval", ANY, types(RUNNING), retrieve_cached)
_TERMINAL: Final[_Row] = Rule(
    "HandleTaskTerminalStateTransitions", TERMINAL, ANY, handle_terminal_state, undo=restore_run_count
)
_SECURE_SLOTS: Final[_Row] = Rule("SecureTaskConcurrencySlots", ANY, types(RUNNING), secure_slots, undo=give_up_slots)
_COPY_SCHEDULED_TIME: Final[_Row] = Rule("CopyScheduledTime", types(SCHEDULED), types(PENDING), copy_scheduled_time)
_WAIT: Final[_Row] = Rule("WaitForScheduledTime", types(SCHEDULED, PENDING), types(RUNNING), wait_for_scheduled_time)
_RETRY: Final[_Row] = Rule("RetryFailedTasks", types(RUNNING), types(FAILED), retry_failed)
_RENAME: Final[_Row] = Rule("RenameReruns", ANY, types(RUNNING), rename_reruns)
_TRACK: Final[_Row] = Rule("UpdateFlowRunTrackerOnTasks", ANY, types(RUNNING), after=track_flow_run)
_CACHE_INSERTION: Final[_Row] = Rule("CacheInsertion", ANY, types(COMPLETED), limit_cache_key, after=fill_cache)

CORE: Final[Sequence[_Row]] = (
    _CACHE_RETRIEVAL,
    _TERMINAL,
    Rule("PreventRunningTasksFromStoppedFlows", ANY, types(RUNNING), prevent_running_in_stopped_flow),
    _SECURE_SLOTS,
    _COPY_SCHEDULED_TIME,
    _WAIT,
    _RETRY,
    _RENAME,
    _TRACK,
    _CACHE_INSERTION,
)

#: Applies to deferred states: a task worker runs the task. The reactor queues such runs for the workers, which is
#: Prefect's EnqueueScheduledTasks.
BACKGROUND: Final[Sequence[_Row]] = (
    Rule("PreventPendingTransitions", SUBMITTED, types(PENDING), prevent_pending),
    _CACHE_RETRIEVAL,
    _TERMINAL,
    _COPY_SCHEDULED_TIME,
    Rule("CopyTaskParametersID", types(SCHEDULED, PENDING), types(PENDING, RUNNING), copy_task_parameters_id),
    _WAIT,
    _RETRY,
    _RENAME,
    _TRACK,
    _CACHE_INSERTION,
)

#: Applies to forced transitions, first states, and states mirrored from a subflow.
MINIMAL: Final[Sequence[_Row]] = ()


def policy_for(proposed: State, *, force: bool) -> Sequence[_Row]:
    """The rules for a proposed state; `force` does not skip the rules of a deferred one."""
    if proposed.state_details.deferred:
        return BACKGROUND
    return MINIMAL if force else CORE
