"""Every rule of a task run's policies (docs/prefect/rules.md section 4), and what clients report of task runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from antiphon.events import ids
from antiphon.events.document.events import FlowCreated
from antiphon.events.flow_run.events import FlowRunDeleted
from antiphon.events.name.events import NameClaimed
from antiphon.events.outcome import Status
from antiphon.events.state import RunProgress
from antiphon.events.task_cache.events import TaskCacheFilled
from antiphon.events.task_run.commands import (
    CreateTaskRun,
    RecordTaskRunState,
    RenameTaskRun,
    ReportedTaskRun,
    SetTaskRunState,
)
from antiphon.events.task_run.events import (
    TaskRunCreated,
    TaskRunPolicy,
    TaskRunRenamed,
    TaskRunStateRecorded,
    TaskRunTransitionAborted,
    TaskRunTransitionAccepted,
    TaskRunTransitionReplaced,
)
from antiphon.services.policy.kinds.task_run.decider import TASK_RUN
from antiphon.services.policy.kinds.task_run.keys import key_name
from antiphon.testing import Scenario
from tests.examples import (
    EARLIER,
    FLOW_ID,
    NOW,
    RUN_ID,
    STATE_ID,
    TASK,
    TASK_ID,
    proposed,
    run_created,
    run_moved,
    state,
    task_created,
    task_moved,
)

task = Scenario(now=NOW)
alone = task.given(TASK_ID, task_created())
KEYS = key_name(RUN_ID, "key", "0")


def move(kind: str, name: str | None = None, **details: Any) -> SetTaskRunState:
    return SetTaskRunState(state=proposed(kind, name, **details))


def in_flow_run(kind: str, run_count: int = 1, **details: Any) -> Scenario:
    """There is a flow run in this state."""
    there = task.given(FLOW_ID, FlowCreated(data={"name": "flow"})).given(RUN_ID, run_created())
    return there.given(RUN_ID, run_moved(state(kind, **details), run_count))


def within(kind: str, run_count: int = 1, **details: Any) -> Scenario:
    return in_flow_run(kind, run_count, **details).given(TASK_ID, task_created(flow_run_id=RUN_ID))


def test_a_task_starts_within_a_running_flow_and_remembers_which_run() -> None:
    accepted = within("RUNNING", run_count=3).when(TASK_ID, move("RUNNING")).event
    assert isinstance(accepted, TaskRunTransitionAccepted)
    assert (accepted.progress.run_count, accepted.flow_run_run_count) == (1, 3)
    assert within("RUNNING", run_count=3).given(TASK_ID, accepted).state("task_run", TASK_ID).flow_run_run_count == 3


@pytest.mark.parametrize("kind", ["PENDING", "COMPLETED"])
def test_a_task_does_not_start_in_a_flow_that_does_not_run(kind: str) -> None:
    event = within(kind).when(TASK_ID, move("RUNNING")).event
    assert isinstance(event, TaskRunTransitionAborted)
    assert event.reason == "The enclosing flow must be running to begin task execution."


def test_a_task_waits_in_a_paused_flow() -> None:
    event = within("PAUSED", pause_timeout=NOW).when(TASK_ID, move("RUNNING")).event
    assert isinstance(event, TaskRunTransitionReplaced)
    assert (event.state.name, event.state.state_details.pause_timeout) == ("NotReady", NOW)
    assert event.reason == f"The flow is paused, new tasks can execute after resuming flow run: {RUN_ID}."


def test_an_ended_task_is_not_cancelled() -> None:
    event = alone.given(TASK_ID, task_moved(state("FAILED"))).when(TASK_ID, move("CANCELLING")).event
    assert (type(event), event.reason) == (TaskRunTransitionAborted, "Run is already FAILED.")


def test_a_completed_task_with_a_result_stays_completed() -> None:
    completed = alone.given(TASK_ID, task_moved(state("COMPLETED", data={"type": "result"})))
    event = completed.when(TASK_ID, move("FAILED")).event
    assert (event.rule, event.reason) == ("HandleTaskTerminalStateTransitions", "This run is already completed.")


def test_an_ended_task_starts_counting_anew() -> None:
    event = alone.given(TASK_ID, task_moved(state("FAILED"), run_count=2)).when(TASK_ID, move("RUNNING")).event
    assert (event.progress.run_count, event.state.name) == (1, "Running")


def test_an_ended_task_that_is_forced_to_start_counts_on() -> None:
    failed = alone.given(TASK_ID, task_moved(state("FAILED"), run_count=2))
    event = failed.when(TASK_ID, SetTaskRunState(state=proposed("RUNNING"), force=True)).event
    assert event.progress.run_count == 3


@pytest.mark.parametrize(("before", "name"), [("AwaitingRetry", "Retrying"), ("Scheduled", "Rerunning")])
def test_later_starts_have_names_of_their_own(before: str, name: str) -> None:
    waiting = alone.given(TASK_ID, task_moved(state("SCHEDULED", before, scheduled_time=EARLIER), run_count=1))
    assert waiting.when(TASK_ID, move("RUNNING")).event.state.name == name


@pytest.mark.parametrize(("run_count", "delay"), [(1, 1), (2, 5), (3, 5)])
def test_a_failed_task_is_retried_after_the_delay_of_its_turn(run_count: int, delay: int) -> None:
    policy = TaskRunPolicy(retries=5, retry_delay=(1, 5))
    running = task.given(TASK_ID, task_created(policy), task_moved(state("RUNNING"), run_count))
    event = running.when(TASK_ID, move("FAILED")).event
    assert event.state.state_details.scheduled_time == NOW + timedelta(seconds=delay)


@pytest.mark.parametrize(
    ("policy", "details"),
    [(TaskRunPolicy(retries=0), {}), (TaskRunPolicy(), {}), (TaskRunPolicy(retries=3), {"retriable": False})],
)
def test_a_failed_task_without_retries_has_failed(policy: TaskRunPolicy, details: dict[str, Any]) -> None:
    running = task.given(TASK_ID, task_created(policy), task_moved(state("RUNNING"), run_count=1))
    assert isinstance(running.when(TASK_ID, move("FAILED", **details)).event, TaskRunTransitionAccepted)


def test_jitter_stays_within_its_bounds() -> None:
    policy = TaskRunPolicy(retries=3, retry_delay=100, retry_jitter_factor=0.5)
    running = task.given(TASK_ID, task_created(policy), task_moved(state("RUNNING"), run_count=1))
    delays = []
    for number in range(50):
        event = running.when(TASK_ID, move("FAILED"), command_id=UUID(int=number + 1)).event
        delays.append((event.state.state_details.scheduled_time - NOW).total_seconds())
    assert 0 <= min(delays) < max(delays) <= 150


def test_a_deferred_state_is_decided_by_the_background_policy_also_by_force() -> None:
    pending = alone.given(TASK_ID, task_moved(state("PENDING", deferred=True, task_parameters_id=STATE_ID)))
    again = pending.when(TASK_ID, SetTaskRunState(state=proposed("PENDING", deferred=True), force=True)).event
    assert (type(again), again.rule) == (TaskRunTransitionAborted, "PreventPendingTransitions")
    started = pending.when(TASK_ID, move("RUNNING", deferred=True)).event
    assert started.state.state_details.task_parameters_id == STATE_ID


def test_a_deferred_task_starts_whatever_its_flow_run_does() -> None:
    decided = within("COMPLETED", run_count=1).when(TASK_ID, move("RUNNING", deferred=True))
    assert isinstance(decided.event, TaskRunTransitionAccepted)


def create(**fields: Any) -> CreateTaskRun:
    return CreateTaskRun(task_key="key", dynamic_key="0", flow_run_id=RUN_ID, **fields)


def test_a_created_task_run_claims_its_keys() -> None:
    decided = in_flow_run("RUNNING").when(TASK_ID, create())
    created = decided.event
    assert isinstance(created, TaskRunCreated)
    assert (created.state.name, created.progress.expected_start_time) == ("Pending", NOW)
    assert decided.decision.events[0] == (KEYS, NameClaimed(name=f"{RUN_ID}/key/0", owner=TASK.id))


def test_a_task_run_may_begin_in_what_is_cached_or_within_its_flow_run() -> None:
    command = create(state=proposed("RUNNING", cache_key="k", deferred=True))
    there = in_flow_run("RUNNING", run_count=3)
    assert there.when(TASK_ID, command).event.flow_run_run_count == 3
    done = state("COMPLETED", data={"x": 0}, task_run_id=STATE_ID)
    cached = there.given(STATE_ID, task_created(), task_moved(done))
    cached = cached.given(ids.task_cache("k").id, TaskCacheFilled(state=done))
    created = cached.when(TASK_ID, command).event
    assert (created.state.name, created.state.data, created.flow_run_run_count) == ("Cached", {"x": 0}, 0)


CLAIMED = NameClaimed(name=f"{RUN_ID}/key/0", owner=str(STATE_ID))


def held() -> Scenario:
    """Another task run has the keys."""
    return in_flow_run("RUNNING").given(STATE_ID, task_created(flow_run_id=RUN_ID)).given(KEYS.id, CLAIMED)


def test_the_keys_of_another_task_run_find_that_one() -> None:
    answer = held().when(TASK_ID, create()).then().then_refused(Status.EXISTS)
    assert answer.aggregate_id == str(STATE_ID)


def test_a_task_run_needs_its_flow_run() -> None:
    task.when(TASK_ID, create()).then().then_refused(Status.CONFLICT)


def test_what_went_with_its_flow_run_holds_no_keys() -> None:
    gone = held().given(RUN_ID, FlowRunDeleted())
    gone.when(TASK_ID, create()).then().then_refused(Status.CONFLICT)


def test_the_id_of_what_went_with_its_flow_run_is_free() -> None:
    gone = within("RUNNING").given(RUN_ID, FlowRunDeleted())
    gone.when(TASK_ID, CreateTaskRun(task_key="key", dynamic_key="0")).then(TaskRunCreated)


def test_a_task_run_is_renamed() -> None:
    alone.when(TASK_ID, RenameTaskRun(name="new")).then(TaskRunRenamed(name="new"))


def report(kind: str, number: int, **fields: Any) -> RecordTaskRunState:
    reported = state(kind, at=EARLIER + timedelta(seconds=number)).model_copy(update={"id": UUID(int=number)})
    task_run = ReportedTaskRun(task_key="key", dynamic_key="0", name="t-0", **fields)
    return RecordTaskRunState(state=reported, flow_run_id=RUN_ID, task_run=task_run)


def test_a_report_of_a_run_that_went_with_its_flow_run_makes_it_anew() -> None:
    gone = within("RUNNING").given(TASK_ID, task_moved(state("RUNNING", at=NOW))).given(RUN_ID, FlowRunDeleted())
    event = recorded(gone.when(TASK_ID, report("PENDING", 1)).event)
    assert event.is_latest
    assert event.fields is not None


def recorded(event: object) -> TaskRunStateRecorded:
    assert isinstance(event, TaskRunStateRecorded)
    return event


def test_a_report_needs_no_flow_run_and_makes_the_run() -> None:
    event = recorded(task.when(TASK_ID, report("PENDING", 1)).event)
    assert event.is_latest
    assert event.fields is not None
    assert event.state.state_details.task_run_id == TASK_ID


def test_a_late_report_adds_to_the_history_only() -> None:
    newer = task.when(TASK_ID, report("RUNNING", 2, run_count=1)).event
    late = recorded(task.given(TASK_ID, newer).when(TASK_ID, report("PENDING", 1)).event)
    assert not late.is_latest
    assert task.given(TASK_ID, newer, late).state("task_run", TASK_ID).state == newer.state


def test_a_repeated_report_is_recorded_once() -> None:
    first = task.when(TASK_ID, report("PENDING", 1)).event
    task.given(TASK_ID, first).when(TASK_ID, report("PENDING", 1)).then()


def test_a_report_keeps_what_it_does_not_mention() -> None:
    first = task.when(TASK_ID, report("RUNNING", 1, run_count=1, start_time=EARLIER)).event
    second = recorded(task.given(TASK_ID, first).when(TASK_ID, report("COMPLETED", 2, end_time=NOW)).event)
    assert second.progress == RunProgress(run_count=1, start_time=EARLIER, end_time=NOW)


def test_a_report_under_anothers_keys_is_recorded_there() -> None:
    first = task.when(STATE_ID, report("PENDING", 1))
    ((aggregate, _),) = first.when(TASK_ID, report("RUNNING", 2)).decision.events
    assert aggregate == TASK._replace(id=str(STATE_ID))


def test_a_flow_run_event_says_nothing_about_a_task_run() -> None:
    created = alone.state("task_run", TASK_ID)
    assert TASK_RUN.evolve(created, run_created()) == created
