"""The rules that decide a flow run's transitions: Prefect's policies as ordered tables (docs/prefect/rules.md 2 and 3).

The rules about limits of deployments are in concurrency.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from antiphon.events import ids
from antiphon.events.flow_run.events import FlowRunPolicy
from antiphon.events.state import ProposedState, State, StateDetails, StateType, is_unpersisted
from antiphon.services.policy.engine.decider import Situation
from antiphon.services.policy.engine.orchestration import ANY, TERMINAL, Rule, all_but, delay_of, types
from antiphon.services.policy.engine.shared_rules import (
    SUBMITTED,
    copy_scheduled_time,
    prevent_pending,
    wait_for_scheduled_time,
)
from antiphon.services.policy.kinds.flow_run import concurrency
from antiphon.services.policy.kinds.flow_run.concurrency import LimitedTransition
from antiphon.services.policy.kinds.flow_run.state import FlowRun
from antiphon.services.prefect.versions import at_least

SCHEDULED, PENDING, RUNNING = StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING
COMPLETED, FAILED, CANCELLED = StateType.COMPLETED, StateType.FAILED, StateType.CANCELLED
CRASHED, PAUSED, CANCELLING = StateType.CRASHED, StateType.PAUSED, StateType.CANCELLING


class FlowTransition(LimitedTransition):
    """A flow run's transition, with the run, and the retry and pause marks on the run's policy."""

    def __init__(
        self,
        situation: Situation[FlowRun],
        proposed: ProposedState,
        *,
        api_version: str | None,
        client_version: str | None,
    ) -> None:
        super().__init__(situation, proposed, client_version)
        self.policy: FlowRunPolicy = self.run.policy
        self.api_version = api_version
        #: When the failed task runs run again, if the caller's API version leaves that to the server.
        self.tasks_retry_at: datetime | None = None

    @property
    def keeps_pause_marks(self) -> bool:
        """Whether the caller's API version knows `resuming`, `pause_keys` and `retry_type`."""
        return at_least(self.api_version, (0, 8, 4))

    def mark(self, **values: object) -> None:
        """Change marks on the run's policy."""
        self.policy = self.policy.model_copy(update=values)


def is_result(data: object) -> bool:
    """Whether a state's data is a persisted result: neither null nor an `unpersisted` note."""
    return isinstance(data, dict) and not is_unpersisted(data)


def has_result(state: State) -> bool:
    """Whether the state is completed with a result; an empty result counts as none."""
    return state.type is COMPLETED and bool(state.data) and is_result(state.data)


def prevent_duplicate_transitions(t: FlowTransition) -> None:
    """Refuse a transition id that was sent again."""
    mine = t.initial.state_details.transition_id if t.initial else None
    if mine is not None and mine == t.requested.state_details.transition_id:
        t.reject("This run has already made this state transition.")


def handle_terminal_state(t: FlowTransition) -> None:
    """Restrict the transitions of an ended run."""
    initial, proposed = t.initial, t.requested
    if initial is None:
        return
    if proposed.type in (CANCELLING, PAUSED, CRASHED):
        t.abort(f"Run is already in terminal state {initial.type.value}.")
    elif has_result(initial) and not proposed.is_terminal:
        t.reject("Run is already COMPLETED.")
    elif loses_result(t):
        t.reject(RESULT_LOST)
    elif proposed.type is SCHEDULED and t.run.deployment_id is None:
        t.abort("Cannot reschedule a run without an associated deployment.")
    elif not proposed.is_terminal and t.keeps_pause_marks:
        t.mark(resuming=False, pause_keys=(), retry_type="reschedule" if proposed.type is SCHEDULED else None)


def restore_policy(t: FlowTransition) -> None:
    """Restore the policy."""
    t.policy = t.run.policy


RESULT_LOST: Final = "Cannot overwrite a COMPLETED state that carries persisted result data with one that does not."


def loses_result(t: FlowTransition) -> bool:
    """Whether the transition would complete a run again and drop its result."""
    initial, proposed = t.initial, t.requested
    return initial is not None and has_result(initial) and proposed.type is COMPLETED and not is_result(proposed.data)


def prevent_result_data_loss(t: FlowTransition) -> None:
    """A transition may not drop a result, even with `force`."""
    if loses_result(t):
        t.reject(RESULT_LOST)


def enforce_cancelling_to_cancelled(t: FlowTransition) -> None:
    """A run being cancelled can only become cancelled."""
    t.reject("Cannot transition flows that are cancelling to a state other than Cancelled.")


def bypass_cancelling_without_infrastructure(t: FlowTransition) -> None:
    """A run without infrastructure has nothing to stop: it becomes Cancelled at once."""
    initial = t.initial
    if initial is None:
        return
    if (initial.type is SCHEDULED and not t.run.infrastructure_pid) or initial.name == "Resuming":
        t.reject("Scheduled flow run has no infrastructure to terminate.", t.replacement(CANCELLED))
    elif initial.type is PAUSED and initial.state_details.pause_reschedule:
        t.reject("Suspended flow run has no infrastructure to terminate.", t.replacement(CANCELLED))


def only_scheduled_marked_late(t: FlowTransition) -> None:
    """Only a scheduled run becomes late, and only once."""
    if t.requested.name != "Late":
        return
    if t.initial is None or t.initial.type is not SCHEDULED:
        t.reject("Only scheduled flows can be marked late.")
    elif t.initial.name == "Late":
        t.reject("This flow run is already marked late.")


def handle_pausing(t: FlowTransition) -> None:
    """Only a running flow pauses, once for each pause key; rescheduling requires a deployment."""
    proposed, details = t.requested, t.requested.state_details
    verb = "suspend" if proposed.name == "Suspended" else "pause"
    if t.initial is None or t.initial.type is not RUNNING:
        t.reject(f"Cannot {verb} flows that are not currently running.")
    elif _pause_key(t) in (t.policy.pause_keys or ()):
        t.reject(f"This {verb} has already fired.")
    elif details.pause_reschedule and t.run.parent_task_run_id is not None:
        t.abort(f"Cannot {verb} subflows.")
    elif details.pause_reschedule and t.run.deployment_id is None:
        t.abort(f"Cannot {verb} flows without a deployment.")


def _pause_key(t: FlowTransition) -> str:
    # A pause without a key gets a unique one.
    return t.requested.state_details.pause_key or str(ids.derived(t.command_id, "pause"))


def remember_pause_key(t: FlowTransition) -> None:
    """Record the pause key, so that it is not used again."""
    if t.proposed is not None and t.proposed.type is PAUSED:
        t.mark(pause_keys=(*(t.policy.pause_keys or ()), _pause_key(t)))


def handle_resuming(t: FlowTransition) -> None:
    """A paused run may resume, be scheduled or end, and resumes only before its time-out."""
    initial, proposed = t.initial, t.requested
    if initial is None:
        return
    what = proposed.name.lower()
    # Prefect takes the verb from the proposed state, not from the current pause.
    verb = "suspend" if proposed.name == "Suspended" else "pause"
    timeout = initial.state_details.pause_timeout
    if not (proposed.type in (RUNNING, SCHEDULED, CANCELLING) or proposed.is_terminal):
        t.reject(
            f"This run cannot transition to the StateType.{proposed.type.value} state"
            f" from the StateType.{initial.type.value} state."
        )
    elif initial.state_details.pause_reschedule and t.run.deployment_id is None:
        t.reject(f"Cannot reschedule a {what} flow run without a deployment.")
    elif proposed.type is CANCELLING:
        return
    elif timeout is not None and timeout < t.now:
        t.reject(
            f"The flow run {verb} has timed out and can no longer resume.",
            t.replacement(FAILED, message=f"The flow was {what} and never resumed."),
        )


def mark_resuming(t: FlowTransition) -> None:
    """Mark a run that leaves PAUSED, so that its next start is no new run; Prefect marks refused ones too."""
    t.mark(resuming=True)


def retry_failed(t: FlowTransition) -> None:
    """A failed run with retries left is scheduled again instead."""
    policy = t.policy
    if policy.retries is None or t.run.progress.run_count > policy.retries:
        t.mark(retry_type=None)
        return
    if t.keeps_pause_marks:
        t.mark(resuming=False, pause_keys=(), retry_type="in_process")
    failed = t.proposed or t.requested
    due = t.now + delay_of(policy.retry_delay or 0)
    if not at_least(t.api_version, (0, 8, 3)):
        t.tasks_retry_at = due
    lease = failed.state_details.deployment_concurrency_lease_id
    details = StateDetails(scheduled_time=due, deployment_concurrency_lease_id=lease)
    t.reject(
        "Retrying",
        t.replacement(SCHEDULED, "AwaitingRetry", failed.message, data=failed.data, details=details),
    )


_BYPASS_CANCELLING: Final[Rule[FlowTransition]] = Rule(
    "BypassCancellingFlowRunsWithNoInfra",
    types(SCHEDULED, PAUSED),
    types(CANCELLING),
    bypass_cancelling_without_infrastructure,
)
_ONLY_SCHEDULED_LATE: Final[Rule[FlowTransition]] = Rule(
    "EnsureOnlyScheduledFlowsMarkedLate", ANY, types(SCHEDULED), only_scheduled_marked_late
)

CORE: Final[Sequence[Rule[FlowTransition]]] = (
    Rule("PreserveDeploymentConcurrencyLeaseId", ANY, ANY, concurrency.preserve_lease),
    Rule("PreventDuplicateTransitions", ANY, ANY, prevent_duplicate_transitions),
    Rule("HandleFlowTerminalStateTransitions", TERMINAL, ANY, handle_terminal_state, undo=restore_policy),
    Rule(
        "EnforceCancellingToCancelledTransition",
        types(CANCELLING),
        all_but(CANCELLED),
        enforce_cancelling_to_cancelled,
    ),
    _BYPASS_CANCELLING,
    Rule("PreventPendingTransitions", SUBMITTED, types(PENDING), prevent_pending),
    Rule("ValidateDeploymentConcurrencyAtRunning", types(PENDING), types(RUNNING), concurrency.validate_slot),
    Rule(
        "SecureFlowConcurrencySlots",
        all_but(PENDING, RUNNING, CANCELLING),
        types(PENDING),
        concurrency.secure_slot,
        undo=concurrency.give_up_slot,
    ),
    Rule(
        "RemoveDeploymentConcurrencyLeaseForOldClientVersions",
        types(PENDING),
        types(RUNNING, CANCELLING),
        after=concurrency.keep_lease_for_old_clients,
    ),
    _ONLY_SCHEDULED_LATE,
    Rule("HandlePausingFlows", ANY, types(PAUSED), handle_pausing, after=remember_pause_key),
    Rule("HandleResumingPausedFlows", types(PAUSED), ANY, handle_resuming, after=mark_resuming),
    Rule("CopyScheduledTime", types(SCHEDULED), types(PENDING), copy_scheduled_time),
    Rule("WaitForScheduledTime", types(SCHEDULED, PENDING), types(RUNNING), wait_for_scheduled_time),
    Rule("RetryFailedFlows", types(RUNNING), types(FAILED), retry_failed),
)

#: Applies to runs that are marked late.
LATE: Final[Sequence[Rule[FlowTransition]]] = (
    _ONLY_SCHEDULED_LATE,
    Rule("EnforceDeploymentConcurrencyOnLate", types(SCHEDULED), types(SCHEDULED), concurrency.cancel_late),
)

#: Applies to forced transitions and first states.
MINIMAL: Final[Sequence[Rule[FlowTransition]]] = (
    Rule("PreventResultDataLoss", TERMINAL, TERMINAL, prevent_result_data_loss),
    _BYPASS_CANCELLING,
)
