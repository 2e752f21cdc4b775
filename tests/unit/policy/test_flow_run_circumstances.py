"""What depends on more than the types of two states: who moves a flow run, and what there is around it."""

from __future__ import annotations

from uuid import UUID

import pytest

from antiphon.events.flow_run.commands import MarkFlowRunLate, SetFlowRunState
from antiphon.events.flow_run.events import (
    FlowRunPolicy,
    FlowRunTransitionAccepted,
    FlowRunTransitionRejected,
    FlowRunTransitionReplaced,
)
from antiphon.events.task_run.events import TaskRunTransitionAccepted
from antiphon.events.transition import ResultArtifact
from antiphon.services.policy.kinds.document.state import Document
from antiphon.services.policy.kinds.flow_run.decider import FLOW_RUN
from antiphon.services.policy.kinds.task_run.state import TaskRun
from tests.examples import (
    EARLIER,
    FLOW,
    NOW,
    RUN,
    RUN_ID,
    TASK,
    TASK_ID,
    proposed,
    run_created,
    run_moved,
    state,
    task_created,
)
from tests.scenario import Scenario

flow_run = Scenario(FLOW_RUN, RUN).beside({FLOW: Document(exists=True)})
created = flow_run.given(run_created())


def test_a_scheduled_run_is_marked_late_once() -> None:
    waiting = created.given(run_moved(state("SCHEDULED", scheduled_time=EARLIER), next_scheduled_start_time=EARLIER))
    event = waiting.when(MarkFlowRunLate()).only()
    assert isinstance(event, FlowRunTransitionAccepted)
    assert (event.state.name, event.state.state_details.scheduled_time) == ("Late", EARLIER)
    again = waiting.given(event).when(MarkFlowRunLate()).only()
    assert (type(again), again.reason) == (FlowRunTransitionRejected, "This flow run is already marked late.")


@pytest.mark.parametrize(("api_version", "retried"), [("0.8.2", True), ("0.8.3", False), (None, False)])
def test_old_callers_leave_the_retry_of_failed_tasks_to_the_server(api_version: str | None, *, retried: bool) -> None:
    def run(kind: str, flow_run_id: UUID | None) -> TaskRun:
        return TaskRun(fields=task_created(flow_run_id=flow_run_id).fields, state=state(kind))

    failed, done, other = (TASK._replace(id=str(UUID(int=number))) for number in (1, 2, 3))
    running = flow_run.given(run_created(FlowRunPolicy(retries=1)), run_moved(state("RUNNING"), 1)).beside(
        {failed: run("FAILED", RUN_ID), done: run("COMPLETED", RUN_ID), other: run("FAILED", None)}
    )
    names = tuple(UUID(key.id) for key in (failed, done, other))
    command = SetFlowRunState(state=proposed("FAILED"), api_version=api_version, failed_task_runs=names)
    *tasks, (_, replaced) = running.when(command).decision.events
    assert isinstance(replaced, FlowRunTransitionReplaced)
    assert [key for key, _ in tasks] == ([failed] if retried else [])
    for _, event in tasks:
        assert isinstance(event, TaskRunTransitionAccepted)
        assert (event.state.name, event.state.state_details.scheduled_time) == ("AwaitingRetry", NOW)
        assert event.progress.run_count == 0


def test_a_subflow_whose_parent_is_gone_is_a_flow_run_like_others() -> None:
    child = flow_run.given(run_created(parent_task_run_id=TASK_ID)).beside({TASK: TaskRun()})
    event = child.when(SetFlowRunState(state=proposed("RUNNING"))).only()
    assert isinstance(event, FlowRunTransitionAccepted)
    assert event.state.state_details.task_run_id is None


@pytest.mark.parametrize("force", [False, True])
def test_an_empty_result_may_be_lost(*, force: bool) -> None:
    done = created.given(run_moved(state("COMPLETED", data={})))
    command = SetFlowRunState(state=proposed("COMPLETED"), force=force)
    assert isinstance(done.when(command).only(), FlowRunTransitionAccepted)


def test_what_describes_the_artifact_is_taken_out_of_the_data_and_recorded_beside_it() -> None:
    data = {"type": "result", "artifact_key": "key", "artifact_description": "d", "x": 1}
    running = created.given(run_moved(state("RUNNING"), 1))
    event = running.when(SetFlowRunState(state=proposed("COMPLETED", data=data))).only()
    assert isinstance(event, FlowRunTransitionAccepted)
    assert event.state.data == {"type": "result", "x": 1}
    assert event.artifact == ResultArtifact(key="key", description="d")
