"""What depends on more than the types of two states: who moves a flow run, and what there is around it."""

from __future__ import annotations

from uuid import UUID

import pytest

from antiphon.events.document.events import FlowCreated
from antiphon.events.flow_run.commands import MarkFlowRunLate, SetFlowRunState
from antiphon.events.flow_run.events import (
    FlowRunPolicy,
    FlowRunTransitionAccepted,
    FlowRunTransitionRejected,
    FlowRunTransitionReplaced,
)
from antiphon.events.task_run.events import TaskRunDeleted, TaskRunTransitionAccepted
from antiphon.events.transition import ResultArtifact
from antiphon.testing import Scenario
from tests.examples import (
    EARLIER,
    FLOW_ID,
    NOW,
    RUN_ID,
    TASK_ID,
    proposed,
    run_created,
    run_moved,
    state,
    task_created,
)

flow_run = Scenario(now=NOW).given(FLOW_ID, FlowCreated(data={"name": "flow"}))
created = flow_run.given(RUN_ID, run_created())


def test_a_scheduled_run_is_marked_late_once() -> None:
    waiting = created.given(
        RUN_ID, run_moved(state("SCHEDULED", scheduled_time=EARLIER), next_scheduled_start_time=EARLIER)
    )
    event = waiting.when(RUN_ID, MarkFlowRunLate()).event
    assert isinstance(event, FlowRunTransitionAccepted)
    assert (event.state.name, event.state.state_details.scheduled_time) == ("Late", EARLIER)
    again = waiting.given(RUN_ID, event).when(RUN_ID, MarkFlowRunLate()).event
    assert (type(again), again.reason) == (FlowRunTransitionRejected, "This flow run is already marked late.")


@pytest.mark.parametrize(("api_version", "retried"), [("0.8.2", True), ("0.8.3", False), (None, False)])
def test_old_callers_leave_the_retry_of_failed_tasks_to_the_server(api_version: str | None, *, retried: bool) -> None:
    failed, done, other = (UUID(int=number) for number in (1, 2, 3))
    running = flow_run.given(RUN_ID, run_created(FlowRunPolicy(retries=1)), run_moved(state("RUNNING"), 1))
    for task_id, kind, flow_run_id in (
        (failed, "FAILED", RUN_ID),
        (done, "COMPLETED", RUN_ID),
        (other, "FAILED", None),
    ):
        running = running.given(task_id, task_created(flow_run_id=flow_run_id, to=state(kind)))
    command = SetFlowRunState(state=proposed("FAILED"), api_version=api_version, failed_task_runs=(failed, done, other))
    *tasks, (_, replaced) = running.when(RUN_ID, command).decision.events
    assert isinstance(replaced, FlowRunTransitionReplaced)
    assert [key.id for key, _ in tasks] == ([str(failed)] if retried else [])
    for _, event in tasks:
        assert isinstance(event, TaskRunTransitionAccepted)
        assert (event.state.name, event.state.state_details.scheduled_time) == ("AwaitingRetry", NOW)
        assert event.progress.run_count == 0


def test_a_subflow_whose_parent_is_gone_is_a_flow_run_like_others() -> None:
    child = flow_run.given(RUN_ID, run_created(parent_task_run_id=TASK_ID)).given(
        TASK_ID, task_created(), TaskRunDeleted()
    )
    event = child.when(RUN_ID, SetFlowRunState(state=proposed("RUNNING"))).event
    assert isinstance(event, FlowRunTransitionAccepted)
    assert event.state.state_details.task_run_id is None


@pytest.mark.parametrize("force", [False, True])
def test_an_empty_result_may_be_lost(*, force: bool) -> None:
    done = created.given(RUN_ID, run_moved(state("COMPLETED", data={})))
    command = SetFlowRunState(state=proposed("COMPLETED"), force=force)
    assert isinstance(done.when(RUN_ID, command).event, FlowRunTransitionAccepted)


def test_what_describes_the_artifact_is_taken_out_of_the_data_and_recorded_beside_it() -> None:
    data = {"type": "result", "artifact_key": "key", "artifact_description": "d", "x": 1}
    running = created.given(RUN_ID, run_moved(state("RUNNING"), 1))
    event = running.when(RUN_ID, SetFlowRunState(state=proposed("COMPLETED", data=data))).event
    assert isinstance(event, FlowRunTransitionAccepted)
    assert event.state.data == {"type": "result", "x": 1}
    assert event.artifact == ResultArtifact(key="key", description="d")
