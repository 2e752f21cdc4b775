"""Every rule of a task run's policies (docs/prefect/rules.md section 4), and what clients report of task runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from antiphon.events import ids
from antiphon.events.name.events import NameClaimed
from antiphon.events.outcome import Status
from antiphon.events.state import RunProgress
from antiphon.events.subjects import Aggregate
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
from antiphon.services.policy.kinds.flow_run.state import FlowRun
from antiphon.services.policy.kinds.name import NameReservation
from antiphon.services.policy.kinds.task_cache import TaskCache
from antiphon.services.policy.kinds.task_run.decider import TASK_RUN
from antiphon.services.policy.kinds.task_run.keys import key_name
from antiphon.services.policy.kinds.task_run.state import TaskRun
from tests.examples import (
    EARLIER,
    NOW,
    RUN,
    RUN_ID,
    STATE_ID,
    TASK,
    TASK_ID,
    proposed,
    run_created,
    state,
    task_created,
    task_moved,
)
from tests.scenario import Scenario

task = Scenario(TASK_RUN, TASK)
alone = task.given(task_created())
KEYS = key_name(RUN_ID, "key", "0")


def move(kind: str, name: str | None = None, **details: Any) -> SetTaskRunState:
    return SetTaskRunState(state=proposed(kind, name, **details))


def flow_run_in(kind: str | None, run_count: int = 1, **details: Any) -> dict[Aggregate, FlowRun]:
    current = state(kind, **details) if kind else None
    return {RUN: FlowRun(exists=True, state=current, progress=RunProgress(run_count=run_count))}


def within(kind: str | None, run_count: int = 1, **details: Any) -> Scenario:
    return task.given(task_created(flow_run_id=RUN_ID)).beside(flow_run_in(kind, run_count, **details))


def test_a_task_starts_within_a_running_flow_and_remembers_which_run() -> None:
    accepted = within("RUNNING", run_count=3).when(move("RUNNING")).only()
    assert isinstance(accepted, TaskRunTransitionAccepted)
    assert (accepted.progress.run_count, accepted.flow_run_run_count) == (1, 3)
    assert within("RUNNING", run_count=3).given(accepted).state.flow_run_run_count == 3


@pytest.mark.parametrize("kind", ["PENDING", "COMPLETED", None])
def test_a_task_does_not_start_in_a_flow_that_does_not_run(kind: str | None) -> None:
    event = within(kind).when(move("RUNNING")).only()
    assert isinstance(event, TaskRunTransitionAborted)
    assert event.reason == "The enclosing flow must be running to begin task execution."


def test_a_task_waits_in_a_paused_flow() -> None:
    event = within("PAUSED", pause_timeout=NOW).when(move("RUNNING")).only()
    assert isinstance(event, TaskRunTransitionReplaced)
    assert (event.state.name, event.state.state_details.pause_timeout) == ("NotReady", NOW)
    assert event.reason == f"The flow is paused, new tasks can execute after resuming flow run: {RUN_ID}."


def test_an_ended_task_is_not_cancelled() -> None:
    event = alone.given(task_moved(state("FAILED"))).when(move("CANCELLING")).only()
    assert (type(event), event.reason) == (TaskRunTransitionAborted, "Run is already FAILED.")


def test_a_completed_task_with_a_result_stays_completed() -> None:
    completed = alone.given(task_moved(state("COMPLETED", data={"type": "result"})))
    event = completed.when(move("FAILED")).only()
    assert (event.rule, event.reason) == ("HandleTaskTerminalStateTransitions", "This run is already completed.")


def test_an_ended_task_starts_counting_anew() -> None:
    event = alone.given(task_moved(state("FAILED"), run_count=2)).when(move("RUNNING")).only()
    assert (event.progress.run_count, event.state.name) == (1, "Running")


def test_an_ended_task_that_is_forced_to_start_counts_on() -> None:
    failed = alone.given(task_moved(state("FAILED"), run_count=2))
    event = failed.when(SetTaskRunState(state=proposed("RUNNING"), force=True)).only()
    assert event.progress.run_count == 3


@pytest.mark.parametrize(("before", "name"), [("AwaitingRetry", "Retrying"), ("Scheduled", "Rerunning")])
def test_later_starts_have_names_of_their_own(before: str, name: str) -> None:
    waiting = alone.given(task_moved(state("SCHEDULED", before, scheduled_time=EARLIER), run_count=1))
    assert waiting.when(move("RUNNING")).only().state.name == name


@pytest.mark.parametrize(("run_count", "delay"), [(1, 1), (2, 5), (3, 5)])
def test_a_failed_task_is_retried_after_the_delay_of_its_turn(run_count: int, delay: int) -> None:
    policy = TaskRunPolicy(retries=5, retry_delay=(1, 5))
    running = task.given(task_created(policy), task_moved(state("RUNNING"), run_count))
    event = running.when(move("FAILED")).only()
    assert event.state.state_details.scheduled_time == NOW + timedelta(seconds=delay)


@pytest.mark.parametrize(
    ("policy", "details"),
    [(TaskRunPolicy(retries=0), {}), (TaskRunPolicy(), {}), (TaskRunPolicy(retries=3), {"retriable": False})],
)
def test_a_failed_task_without_retries_has_failed(policy: TaskRunPolicy, details: dict[str, Any]) -> None:
    running = task.given(task_created(policy), task_moved(state("RUNNING"), run_count=1))
    assert isinstance(running.when(move("FAILED", **details)).only(), TaskRunTransitionAccepted)


def test_jitter_stays_within_its_bounds() -> None:
    policy = TaskRunPolicy(retries=3, retry_delay=100, retry_jitter_factor=0.5)
    running = task.given(task_created(policy), task_moved(state("RUNNING"), run_count=1))
    delays = []
    for number in range(50):
        event = running.when(move("FAILED"), UUID(int=number + 1)).only()
        delays.append((event.state.state_details.scheduled_time - NOW).total_seconds())
    assert 0 <= min(delays) < max(delays) <= 150


def test_a_deferred_state_is_decided_by_the_background_policy_also_by_force() -> None:
    pending = alone.given(task_moved(state("PENDING", deferred=True, task_parameters_id=STATE_ID)))
    again = pending.when(SetTaskRunState(state=proposed("PENDING", deferred=True), force=True)).only()
    assert (type(again), again.rule) == (TaskRunTransitionAborted, "PreventPendingTransitions")
    started = pending.when(move("RUNNING", deferred=True)).only()
    assert started.state.state_details.task_parameters_id == STATE_ID


def test_a_deferred_task_starts_whatever_its_flow_run_does() -> None:
    decided = within("COMPLETED", run_count=1).when(move("RUNNING", deferred=True))
    assert isinstance(decided.only(), TaskRunTransitionAccepted)


def create(**fields: Any) -> CreateTaskRun:
    return CreateTaskRun(task_key="key", dynamic_key="0", flow_run_id=RUN_ID, **fields)


def test_a_created_task_run_claims_its_keys() -> None:
    decided = task.beside({KEYS: NameReservation(), **flow_run_in("RUNNING")}).when(create())
    created = decided.only()
    assert isinstance(created, TaskRunCreated)
    assert (created.state.name, created.progress.expected_start_time) == ("Pending", NOW)
    assert decided.decision.events[0] == (KEYS, NameClaimed(name=f"{RUN_ID}/key/0", owner=TASK.id))


def test_a_task_run_may_begin_in_what_is_cached_or_within_its_flow_run() -> None:
    command = create(state=proposed("RUNNING", cache_key="k", deferred=True))
    there = task.beside(
        {KEYS: NameReservation(), **flow_run_in("RUNNING", run_count=3), ids.task_cache("k"): TaskCache()}
    )
    assert there.when(command).only().flow_run_run_count == 3
    done = state("COMPLETED", data={"x": 0}, task_run_id=STATE_ID)
    source = TaskRun(fields=task_created().fields, state=done, state_ids=frozenset({done.id}))
    cached = there.beside({ids.task_cache("k"): TaskCache((done,)), TASK._replace(id=str(STATE_ID)): source})
    created = cached.when(command).only()
    assert (created.state.name, created.state.data, created.flow_run_run_count) == ("Cached", {"x": 0}, 0)


def test_the_keys_of_another_task_run_find_that_one() -> None:
    owner = TASK._replace(id=str(STATE_ID))
    held = task.beside({KEYS: NameReservation(owner.id), owner: within("RUNNING").state, **flow_run_in("RUNNING")})
    answer = held.when(create()).then_nothing()
    assert (answer.status, answer.aggregate_id) == (Status.EXISTS, owner.id)


def test_a_task_run_needs_its_flow_run() -> None:
    missing = task.beside({KEYS: NameReservation(), RUN: FlowRun()})
    assert missing.when(create()).then_nothing().status is Status.CONFLICT


def test_what_went_with_its_flow_run_holds_no_keys() -> None:
    owner = TASK._replace(id=str(STATE_ID))
    gone = task.beside({KEYS: NameReservation(owner.id), owner: within("RUNNING").state, RUN: FlowRun(is_deleted=True)})
    assert gone.when(create()).then_nothing().status is Status.CONFLICT


def test_the_id_of_what_went_with_its_flow_run_is_free() -> None:
    gone = task.given(task_created(flow_run_id=RUN_ID))
    name = key_name(None, "key", "0")
    anew = gone.beside({name: NameReservation(), RUN: FlowRun(is_deleted=True)}).when(
        CreateTaskRun(task_key="key", dynamic_key="0")
    )
    assert isinstance(anew.only(), TaskRunCreated)


def test_a_task_run_is_renamed() -> None:
    alone.when(RenameTaskRun(name="new")).then(TaskRunRenamed(name="new"))


def report(kind: str, number: int, **fields: Any) -> RecordTaskRunState:
    reported = state(kind, at=EARLIER + timedelta(seconds=number)).model_copy(update={"id": UUID(int=number)})
    task_run = ReportedTaskRun(task_key="key", dynamic_key="0", name="t-0", **fields)
    return RecordTaskRunState(state=reported, flow_run_id=RUN_ID, task_run=task_run)


def test_a_report_of_a_run_that_went_with_its_flow_run_makes_it_anew() -> None:
    gone = task.given(task_created(flow_run_id=RUN_ID), task_moved(state("RUNNING", at=NOW)))
    event = recorded(gone.beside({RUN: FlowRun(is_deleted=True)}).when(report("PENDING", 1)).only())
    assert event.is_latest
    assert event.fields is not None


def recorded(event: object) -> TaskRunStateRecorded:
    assert isinstance(event, TaskRunStateRecorded)
    return event


unreported = task.beside({KEYS: NameReservation(), RUN: FlowRun()})


def test_a_report_needs_no_flow_run_and_makes_the_run() -> None:
    event = recorded(unreported.when(report("PENDING", 1)).only())
    assert event.is_latest
    assert event.fields is not None
    assert event.state.state_details.task_run_id == TASK_ID


def test_a_late_report_adds_to_the_history_only() -> None:
    newer = unreported.when(report("RUNNING", 2, run_count=1)).only()
    late = recorded(unreported.given(newer).when(report("PENDING", 1)).only())
    assert not late.is_latest
    assert unreported.given(newer, late).state.state == newer.state


def test_a_repeated_report_is_recorded_once() -> None:
    first = unreported.when(report("PENDING", 1)).only()
    unreported.given(first).when(report("PENDING", 1)).then_nothing()


def test_a_report_keeps_what_it_does_not_mention() -> None:
    first = unreported.when(report("RUNNING", 1, run_count=1, start_time=EARLIER)).only()
    second = recorded(unreported.given(first).when(report("COMPLETED", 2, end_time=NOW)).only())
    assert second.progress == RunProgress(run_count=1, start_time=EARLIER, end_time=NOW)


def test_a_report_under_anothers_keys_is_recorded_there() -> None:
    owner = TASK._replace(id=str(STATE_ID))
    first = unreported.when(report("PENDING", 1)).only()
    held = task.beside({KEYS: NameReservation(owner.id), owner: unreported.given(first).state, RUN: FlowRun()})
    decision = held.when(report("RUNNING", 2)).decision
    ((aggregate, _),) = decision.events
    assert aggregate == owner


def test_a_flow_run_event_says_nothing_about_a_task_run() -> None:
    assert TASK_RUN.evolve(alone.state, run_created()) == alone.state
