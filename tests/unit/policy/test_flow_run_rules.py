"""Every rule of a flow run's policies: accepted, refused, and the reason (docs/prefect/rules.md section 3)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from antiphon.events.document.events import FlowCreated, FlowDeleted
from antiphon.events.flow_run.commands import DeleteFlowRun, SetFlowRunState
from antiphon.events.flow_run.events import (
    FlowRunDeleted,
    FlowRunPolicy,
    FlowRunTransitionAborted,
    FlowRunTransitionAccepted,
    FlowRunTransitionDelayed,
    FlowRunTransitionRejected,
    FlowRunTransitionReplaced,
)
from antiphon.events.outcome import Status
from antiphon.testing import Scenario
from tests.examples import (
    COMMAND_ID,
    EARLIER,
    FLOW_ID,
    NOW,
    RUN_ID,
    TASK_ID,
    proposed,
    run_created,
    run_moved,
    set_state,
    state,
)

flow_run = Scenario(now=NOW).given(FLOW_ID, FlowCreated(data={"name": "flow"}))
created = flow_run.given(RUN_ID, run_created())
DEPLOYMENT = {"deployment_id": RUN_ID}
RESULT = {"type": "result", "storage_key": "k"}


def in_state(kind: str, name: str | None = None, **details: Any) -> Scenario:
    return created.given(RUN_ID, run_moved(state(kind, name, **details)))


def test_a_transition_is_accepted_as_proposed() -> None:
    event = in_state("PENDING").when(RUN_ID, set_state("RUNNING"), command_id=COMMAND_ID).event
    assert isinstance(event, FlowRunTransitionAccepted)
    assert (event.state.id, event.state.name, event.state.timestamp) == (COMMAND_ID, "Running", NOW)
    assert event.state.state_details.flow_run_id == RUN_ID
    assert (event.progress.run_count, event.progress.start_time) == (1, NOW)


def test_an_unknown_run_cannot_move() -> None:
    flow_run.when(RUN_ID, set_state("RUNNING")).then().then_refused(Status.NOT_FOUND)


def test_a_run_goes_with_its_flow() -> None:
    gone = created.given(FLOW_ID, FlowDeleted())
    gone.when(RUN_ID, set_state("RUNNING")).then().then_refused(Status.NOT_FOUND)


def test_a_deleted_run_is_gone() -> None:
    created.when(RUN_ID, DeleteFlowRun()).then(FlowRunDeleted())
    created.given(RUN_ID, FlowRunDeleted()).when(RUN_ID, set_state("RUNNING")).then().then_refused(Status.NOT_FOUND)


REFUSALS = [
    # (given, asked for, event, rule, reason)
    (
        in_state("RUNNING", transition_id=TASK_ID),
        set_state("RUNNING", transition_id=TASK_ID),
        FlowRunTransitionRejected,
        "PreventDuplicateTransitions",
        "This run has already made this state transition.",
    ),
    (
        in_state("FAILED"),
        set_state("CANCELLING"),
        FlowRunTransitionAborted,
        "HandleFlowTerminalStateTransitions",
        "Run is already in terminal state FAILED.",
    ),
    (
        in_state("COMPLETED", data=RESULT),
        set_state("RUNNING"),
        FlowRunTransitionRejected,
        "HandleFlowTerminalStateTransitions",
        "Run is already COMPLETED.",
    ),
    (
        in_state("COMPLETED", data=RESULT),
        set_state("COMPLETED"),
        FlowRunTransitionRejected,
        "HandleFlowTerminalStateTransitions",
        "Cannot overwrite a COMPLETED state that carries persisted result data with one that does not.",
    ),
    (
        in_state("FAILED"),
        set_state("SCHEDULED"),
        FlowRunTransitionAborted,
        "HandleFlowTerminalStateTransitions",
        "Cannot reschedule a run without an associated deployment.",
    ),
    (
        in_state("CANCELLING"),
        set_state("RUNNING"),
        FlowRunTransitionRejected,
        "EnforceCancellingToCancelledTransition",
        "Cannot transition flows that are cancelling to a state other than Cancelled.",
    ),
    (
        in_state("RUNNING"),
        set_state("PENDING"),
        FlowRunTransitionAborted,
        "PreventPendingTransitions",
        "This run is in a RUNNING state and cannot transition to a PENDING state.",
    ),
    (
        in_state("RUNNING"),
        set_state("SCHEDULED", "Late"),
        FlowRunTransitionRejected,
        "EnsureOnlyScheduledFlowsMarkedLate",
        "Only scheduled flows can be marked late.",
    ),
    (
        in_state("SCHEDULED", "Late"),
        set_state("SCHEDULED", "Late"),
        FlowRunTransitionRejected,
        "EnsureOnlyScheduledFlowsMarkedLate",
        "This flow run is already marked late.",
    ),
    (
        in_state("PENDING"),
        set_state("PAUSED"),
        FlowRunTransitionRejected,
        "HandlePausingFlows",
        "Cannot pause flows that are not currently running.",
    ),
    (
        flow_run.given(RUN_ID, run_created(FlowRunPolicy(pause_keys=("k",))), run_moved(state("RUNNING"))),
        set_state("PAUSED", pause_key="k"),
        FlowRunTransitionRejected,
        "HandlePausingFlows",
        "This pause has already fired.",
    ),
    (
        in_state("RUNNING"),
        set_state("PAUSED", "Suspended", pause_reschedule=True),
        FlowRunTransitionAborted,
        "HandlePausingFlows",
        "Cannot suspend flows without a deployment.",
    ),
    (
        in_state("PAUSED"),
        set_state("PENDING"),
        FlowRunTransitionRejected,
        "HandleResumingPausedFlows",
        "This run cannot transition to the StateType.PENDING state from the StateType.PAUSED state.",
    ),
    (
        in_state("PAUSED", pause_reschedule=True),
        set_state("SCHEDULED", "Resuming"),
        FlowRunTransitionRejected,
        "HandleResumingPausedFlows",
        "Cannot reschedule a resuming flow run without a deployment.",
    ),
]


@pytest.mark.parametrize(("given", "asked", "kind", "rule", "reason"), REFUSALS, ids=[row[3] for row in REFUSALS])
def test_invariant_11_a_refusal_is_an_event_with_its_rule(
    given: Scenario, asked: SetFlowRunState, kind: type, rule: str, reason: str
) -> None:
    event = given.when(RUN_ID, asked).event
    assert isinstance(event, kind)
    assert isinstance(event, FlowRunTransitionRejected | FlowRunTransitionAborted)
    assert (event.rule, event.reason) == (rule, reason)
    assert event.proposed.type is asked.state.type
    assert getattr(event, "state", None) is None


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (in_state("SCHEDULED"), "Scheduled flow run has no infrastructure to terminate."),
        (in_state("PAUSED", pause_reschedule=True), "Suspended flow run has no infrastructure to terminate."),
    ],
)
@pytest.mark.parametrize("force", [False, True])
def test_what_does_not_run_is_cancelled_at_once(given: Scenario, reason: str, *, force: bool) -> None:
    event = given.when(RUN_ID, SetFlowRunState(state=proposed("CANCELLING"), force=force)).event
    assert isinstance(event, FlowRunTransitionReplaced)
    assert (event.state.name, event.reason) == ("Cancelled", reason)


def test_a_pending_run_may_be_renamed_while_it_is_submitted() -> None:
    event = in_state("PENDING", scheduled_time=EARLIER).when(RUN_ID, set_state("PENDING", "Submitting")).event
    assert event.state.name == "Submitting"
    assert event.state.state_details.scheduled_time == EARLIER


def test_nobody_starts_before_the_scheduled_time() -> None:
    due = NOW + timedelta(seconds=9.7)
    event = in_state("SCHEDULED", scheduled_time=due).when(RUN_ID, set_state("RUNNING")).event
    assert isinstance(event, FlowRunTransitionDelayed)
    assert (event.delay_seconds, event.reason) == (10, "Scheduled time is in the future")


def test_a_submitted_run_keeps_its_scheduled_time() -> None:
    event = in_state("SCHEDULED", scheduled_time=EARLIER).when(RUN_ID, set_state("PENDING")).event
    assert event.state.state_details.scheduled_time == EARLIER
    assert event.adjusted_by == ("CopyScheduledTime",)
    assert event.proposed is not None
    assert event.proposed.state_details.scheduled_time is None


def running(retries: int | None, run_count: int) -> Scenario:
    policy = FlowRunPolicy(retries=retries, retry_delay=5)
    return flow_run.given(RUN_ID, run_created(policy), run_moved(state("RUNNING"), run_count))


def test_a_failed_run_with_retries_left_waits_for_its_next_run() -> None:
    event = running(retries=1, run_count=1).when(RUN_ID, set_state("FAILED")).event
    assert isinstance(event, FlowRunTransitionReplaced)
    assert (event.state.name, event.reason) == ("AwaitingRetry", "Retrying")
    assert event.state.state_details.scheduled_time == NOW + timedelta(seconds=5)
    assert event.empirical_policy is not None
    assert event.empirical_policy.retry_type == "in_process"


def test_a_failed_run_without_retries_left_has_failed() -> None:
    event = running(retries=1, run_count=2).when(RUN_ID, set_state("FAILED")).event
    assert isinstance(event, FlowRunTransitionAccepted)
    assert event.progress.end_time == NOW


def test_a_pause_that_was_never_resumed_fails_the_run() -> None:
    event = in_state("PAUSED", pause_timeout=EARLIER).when(RUN_ID, set_state("RUNNING")).event
    assert isinstance(event, FlowRunTransitionReplaced)
    assert event.state.message == "The flow was running and never resumed."
    assert event.reason == "The flow run pause has timed out and can no longer resume."


def test_a_pause_uses_up_its_key() -> None:
    event = in_state("RUNNING").when(RUN_ID, set_state("PAUSED", pause_key="k")).event
    assert event.empirical_policy.pause_keys == ("k",)


def test_going_on_after_a_pause_counts_once_and_then_no_more() -> None:
    """The quirk of docs/prefect/rules.md section 6: the mark is set after the count."""
    paused = created.given(RUN_ID, run_moved(state("PAUSED"), run_count=1))
    first = paused.when(RUN_ID, set_state("RUNNING")).event
    assert (first.progress.run_count, first.empirical_policy.resuming) == (2, True)
    again = (
        paused.given(RUN_ID, first, run_moved(state("PAUSED"), run_count=2)).when(RUN_ID, set_state("RUNNING")).event
    )
    assert again.progress.run_count == 2


def test_force_leaves_only_the_minimal_rules() -> None:
    forced = SetFlowRunState(state=proposed("PENDING"), force=True)
    assert isinstance(in_state("RUNNING").when(RUN_ID, forced).event, FlowRunTransitionAccepted)
    lost = SetFlowRunState(state=proposed("COMPLETED"), force=True)
    refusal = in_state("COMPLETED", data=RESULT).when(RUN_ID, lost).event
    assert refusal.rule == "PreventResultDataLoss"


def test_the_first_end_counts() -> None:
    ended = created.given(RUN_ID, run_moved(state("FAILED"), end_time=EARLIER, start_time=EARLIER))
    assert ended.when(RUN_ID, set_state("COMPLETED")).event.progress.end_time == EARLIER


def test_leaving_an_end_clears_it() -> None:
    ended = created.given(RUN_ID, run_moved(state("FAILED"), end_time=EARLIER, start_time=EARLIER))
    assert ended.when(RUN_ID, set_state("RUNNING")).event.progress.end_time is None


def test_time_in_running_adds_up() -> None:
    event = in_state("RUNNING").when(RUN_ID, set_state("COMPLETED")).event
    assert event.progress.total_run_time == 60.0


def test_no_two_states_of_a_run_share_a_timestamp() -> None:
    event = created.given(RUN_ID, run_moved(state("PENDING", at=NOW))).when(RUN_ID, set_state("RUNNING")).event
    assert event.state.timestamp == NOW + timedelta(microseconds=1)
