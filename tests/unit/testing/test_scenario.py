"""Given / when / then with the deciders and projections that the policy and the projector use."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from antiphon.client import (
    AcquireLease,
    CreateDeployment,
    CreateFlow,
    CreateFlowRun,
    CreateLimit,
    DeleteFlowRun,
    FlowRunCreated,
    FlowRunDeleted,
    FlowRunTransitionAborted,
    FlowRunTransitionAccepted,
    Status,
)
from antiphon.events.document.events import FlowCreated, FlowDeleted
from antiphon.events.limit.commands import ExpireLease
from antiphon.events.limit.events import LeaseExpired, LeaseGranted
from antiphon.testing import START, Put, Scenario, given, when
from tests.examples import COMMAND_ID, FLOW_ID, RUN_ID, TASK_ID, run_created, run_moved, set_state, state

FLOW_IS_THERE = FlowCreated(data={"name": "flow"})
there = given(FLOW_ID, FLOW_IS_THERE).given(RUN_ID, run_created())


def test_a_command_leads_to_events() -> None:
    decided = there.when(RUN_ID, set_state("RUNNING"), command_id=COMMAND_ID).then(FlowRunTransitionAccepted)
    event = decided.event
    decided.then(event)
    assert decided.events == [event]
    assert isinstance(event, FlowRunTransitionAccepted)
    assert (event.state.id, event.state.timestamp) == (COMMAND_ID, START)
    assert (decided.answer.status, decided.answer.state) == (Status.ACCEPT, event.state)


def test_a_rule_refuses() -> None:
    failed = there.given(RUN_ID, run_moved(state("FAILED")))
    refused = failed.when(RUN_ID, set_state("CANCELLING"))
    refused.then(FlowRunTransitionAborted)
    answer = refused.then_refused("HandleFlowTerminalStateTransitions")
    assert answer.reason == "Run is already in terminal state FAILED."
    assert refused.then_refused(Status.ABORT) == answer


def test_a_command_about_nothing_is_refused_with_a_status() -> None:
    when(RUN_ID, set_state("RUNNING")).then().then_refused(Status.NOT_FOUND)
    there.given(FLOW_ID, FlowDeleted()).when(RUN_ID, set_state("RUNNING")).then_refused(Status.NOT_FOUND)
    there.when(RUN_ID, DeleteFlowRun()).then(FlowRunDeleted()).when(RUN_ID, set_state("RUNNING")).then_refused(
        Status.NOT_FOUND
    )


def test_what_was_not_decided_is_not_found() -> None:
    accepted = there.when(RUN_ID, set_state("RUNNING"))
    for wrong in ((), (FlowRunDeleted,), (FlowRunTransitionAccepted, FlowRunDeleted), (FlowRunDeleted(),)):
        with pytest.raises(AssertionError, match="but decided FlowRunTransitionAccepted"):
            accepted.then(*wrong)
    for rule in ("HandleFlowTerminalStateTransitions", Status.ACCEPT, Status.NOT_FOUND):
        with pytest.raises(AssertionError, match="expected a refusal by"):
            accepted.then_refused(rule)
    with pytest.raises(AssertionError, match="but decided no event"):
        when(RUN_ID, set_state("RUNNING")).then(FlowRunTransitionAccepted)
    with pytest.raises(AssertionError, match="expected one event\nbut decided no event"):
        _ = when(RUN_ID, set_state("RUNNING")).event
    with pytest.raises(AssertionError, match="NOT_FOUND"):
        when(RUN_ID, set_state("RUNNING")).then_refused("HandleFlowTerminalStateTransitions")


def test_a_decision_may_rest_on_limits_and_time() -> None:
    holder, other = UUID(int=71), UUID(int=72)
    acquire = AcquireLease(names=("db",), slots=1, seconds=60)
    held = when(UUID(int=1), CreateLimit(name="db", limit=1)).when(holder, acquire).then(LeaseGranted).after
    assert [limit.name for limit in held.when(other, acquire).then_refused(Status.WAIT).limits] == ["db"]
    held.when(holder, ExpireLease()).then()
    late = held.later(timedelta(seconds=61))
    assert late.now - timedelta(seconds=61) == held.now == START
    late.when(holder, ExpireLease()).then(LeaseExpired).when(other, acquire).then(LeaseGranted)


def test_a_run_of_a_deployment_waits_for_its_slot() -> None:
    deployment = UUID(int=5)
    data = {"name": "d", "flow_id": str(FLOW_ID), "concurrency_limit": 1}
    deployed = given(FLOW_ID, FLOW_IS_THERE).when(deployment, CreateDeployment(data=data)).after
    for run in (RUN_ID, TASK_ID):
        create = CreateFlowRun(flow_id=FLOW_ID, deployment_id=deployment, from_deployment=True)
        deployed = deployed.when(run, create).then(FlowRunCreated).after
    first = deployed.when(RUN_ID, set_state("PENDING").changed(client_version="3.8.8"))
    first.then(FlowRunTransitionAccepted)
    refused = first.when(TASK_ID, set_state("PENDING").changed(client_version="3.8.8"))
    assert refused.then_refused("SecureFlowConcurrencySlots").state == refused.after.state("flow_run", TASK_ID).state


def test_a_name_is_taken_once() -> None:
    create = CreateFlow(data={"name": "flow"})
    first = when(FLOW_ID, create)
    assert first.answer.status is Status.CREATED
    assert first.when(TASK_ID, create).then_refused(Status.EXISTS).aggregate_id == str(FLOW_ID)


def test_events_become_rows() -> None:
    running = there.when(RUN_ID, set_state("RUNNING"), command_id=COMMAND_ID).after
    (row,) = running.rows("flow_run").values()
    assert (row["id"], row["state_name"], row["start_time"]) == (RUN_ID, "Running", START)
    assert running.rows("flow") == {FLOW_ID: {"id": FLOW_ID, "name": "flow", "created": START, "updated": START}}
    assert COMMAND_ID in running.rows("flow_run_state")
    assert isinstance(running.changes[0], Put)
    assert running.rows("task_run") == {}


def test_rows_that_only_sql_can_tell_are_not_made_up() -> None:
    with pytest.raises(ValueError, match="delete_flow_runs"):
        there.given(RUN_ID, FlowRunDeleted()).rows("flow_run")


def test_the_events_are_as_a_subscriber_receives_them() -> None:
    running = there.later(timedelta(seconds=1)).when(RUN_ID, set_state("RUNNING")).after
    assert [(item.position, item.aggregate.kind) for item in running.recorded] == [
        (1, "flow"),
        (2, "flow_run"),
        (3, "flow_run"),
    ]
    assert len({item.metadata.command_id for item in running.recorded}) == 3
    assert running.recorded[-1].recorded_at == running.recorded[-1].metadata.occurred_at == running.now


def test_a_scenario_does_not_change() -> None:
    empty = Scenario()
    empty.given(RUN_ID, run_created())
    empty.when(FLOW_ID, CreateFlow(data={"name": "flow"}))
    assert empty == Scenario()
