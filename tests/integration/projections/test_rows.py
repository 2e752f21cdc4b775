"""What events lead to, as rows."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from antiphon.events.document.events import (
    FlowCreated,
    FlowDeleted,
    FlowRunInputCreated,
    FlowRunInputUpdated,
    FlowUpdated,
    VariableCreated,
    VariableDeleted,
    VariableUpdated,
)
from antiphon.events.flow_run.events import FlowRunChanges, FlowRunDeleted, FlowRunPolicy, FlowRunUpdated
from antiphon.events.message import Event
from antiphon.events.state import RunProgress, State
from antiphon.events.subjects import Aggregate
from antiphon.events.task_run.events import TaskRunDeleted, TaskRunRenamed, TaskRunStateRecorded
from tests.examples import (
    FLOW,
    NOW,
    RUN,
    RUN_ID,
    TASK,
    TASK_ID,
    run_created,
    run_moved,
    state,
    task_created,
    task_moved,
)
from tests.projection_scenario import ProjectionScenario

SUBFLOW_ID = UUID(int=7)
SUBFLOW = Aggregate("flow_run", str(SUBFLOW_ID))
INPUT = Aggregate("flow_run_input", str(UUID(int=8)))
VARIABLE = Aggregate("variable", str(UUID(int=9)))
FLOW_CREATED = FlowCreated(data={"name": "flow", "tags": ["a"], "labels": {}})
INPUT_CREATED = FlowRunInputCreated(data={"flow_run_id": str(RUN_ID), "key": "k", "value": "1", "sender": None})


def numbered(number: int, kind: str) -> State:
    return state(kind).model_copy(update={"id": UUID(int=number)})


def reported(number: int, kind: str, *, is_latest: bool = True) -> TaskRunStateRecorded:
    return TaskRunStateRecorded(
        state=numbered(number, kind),
        is_latest=is_latest,
        fields=task_created(flow_run_id=RUN_ID).fields if is_latest else None,
        progress=RunProgress(run_count=1) if is_latest else None,
    )


async def test_a_flow_is_created_updated_and_deleted(projections: ProjectionScenario) -> None:
    there = projections.given((FLOW, FLOW_CREATED), (FLOW, FlowUpdated(changes={"tags": ["b", "c"]})))
    (await there.when()).then("flow", {"name": "flow", "tags": ["b", "c"], "labels": {}})
    (await there.when((FLOW, FlowDeleted()))).then_nothing("flow")


async def test_a_run_is_in_the_state_of_its_last_transition(projections: ProjectionScenario) -> None:
    shown = await projections.when(
        (RUN, run_created(tags=("a",), parameters={"x": 10**30})),
        (RUN, run_moved(numbered(1, "PENDING"), expected_start_time=NOW)),
        (RUN, run_moved(numbered(2, "RUNNING"), run_count=1, expected_start_time=NOW, start_time=NOW)),
    )
    shown.then(
        "flow_run",
        {
            "state_id": str(UUID(int=2)),
            "state_type": "RUNNING",
            "run_count": 1,
            "tags": ["a"],
            "parameters": {"x": 10**30},
            "created": "2026-01-02T03:04:06.678901+00:00",
            "updated": "2026-01-02T03:04:08.678901+00:00",
        },
    ).then("flow_run_state", *[{"flow_run_id": str(RUN_ID)}] * 3)


async def test_an_update_sets_what_it_names_and_merges_labels(projections: ProjectionScenario) -> None:
    changes = FlowRunChanges(name="new", labels={"b": 2}, job_variables={"x": 1})
    shown = await projections.given((RUN, run_created(labels={"a": 1}, tags=("t",)))).when(
        (RUN, FlowRunUpdated(changes=changes))
    )
    shown.then("flow_run", {"name": "new", "labels": {"a": 1, "b": 2}, "tags": ["t"], "job_variables": {"x": 1}})


async def test_an_update_with_a_part_of_a_policy_sets_all_of_it(projections: ProjectionScenario) -> None:
    policy = FlowRunPolicy(retries=3)
    shown = await projections.when(
        (RUN, run_created()), (RUN, FlowRunUpdated(changes=FlowRunChanges(empirical_policy=policy)))
    )
    shown.then("flow_run", {"empirical_policy": policy.model_dump(mode="json")})


async def test_a_transition_without_marks_keeps_the_policy(projections: ProjectionScenario) -> None:
    policy = FlowRunPolicy(retries=3)
    shown = await projections.when((RUN, run_created(policy)), (RUN, run_moved(numbered(1, "RUNNING"))))
    shown.then("flow_run", {"empirical_policy": policy.model_dump(mode="json")})


async def test_an_input_is_created_and_updated(projections: ProjectionScenario) -> None:
    shown = await projections.when((INPUT, INPUT_CREATED), (INPUT, FlowRunInputUpdated(changes={"value": "2"})))
    shown.then("flow_run_input", {"key": "k", "value": "2", "sender": None})


async def test_a_variable_is_created_updated_and_deleted(projections: ProjectionScenario) -> None:
    there = projections.given((VARIABLE, VariableCreated(data={"name": "v", "value": {"x": [1, None]}, "tags": ["a"]})))
    (await there.when()).then("variable", {"name": "v", "value": {"x": [1, None]}, "tags": ["a"]})
    renamed = there.given((VARIABLE, VariableUpdated(changes={"name": "w", "tags": []})))
    (await renamed.when()).then("variable", {"name": "w", "value": {"x": [1, None]}, "tags": []})
    (await renamed.when((VARIABLE, VariableDeleted()))).then_nothing("variable")


async def test_a_task_run_waits_for_its_flow_run(projections: ProjectionScenario) -> None:
    early = projections.given((TASK, reported(1, "RUNNING")))
    (await early.when()).then("task_run", {"awaits_flow_run": True})
    (await early.when((RUN, run_created()))).then("task_run", {"awaits_flow_run": False})


async def test_a_waiting_task_run_that_moves_as_its_flow_run_appears_is_shown_in_its_new_state(
    projections: ProjectionScenario,
) -> None:
    early = projections.given((TASK, reported(1, "RUNNING")))
    shown = await early.when(
        (RUN, run_created()), (TASK, task_moved(numbered(2, "COMPLETED"))), cuts=[(1,), (1, 2), ()]
    )
    shown.then("task_run", {"awaits_flow_run": False, "state_type": "COMPLETED"})


async def test_a_task_run_without_a_flow_run_waits_for_nothing(projections: ProjectionScenario) -> None:
    (await projections.when((TASK, task_created()))).then("task_run", {"awaits_flow_run": False})


async def test_a_late_report_adds_to_the_history_and_leaves_the_run(projections: ProjectionScenario) -> None:
    shown = await projections.when(
        (RUN, run_created()), (TASK, reported(2, "COMPLETED")), (TASK, reported(1, "RUNNING", is_latest=False))
    )
    shown.then("task_run", {"state_type": "COMPLETED"}).then("task_run_state", {}, {})


async def test_a_task_run_is_renamed_and_deleted(projections: ProjectionScenario) -> None:
    there = projections.given((TASK, reported(1, "RUNNING")), (SUBFLOW, run_created(parent_task_run_id=TASK_ID)))
    renamed = await there.when((TASK, TaskRunRenamed(name="new")))
    renamed.then("task_run", {"name": "new"}).then("flow_run", {"parent_task_run_id": str(TASK_ID)})
    deleted = await there.when((TASK, TaskRunDeleted()))
    deleted.then_nothing("task_run", "task_run_state").then("flow_run", {"parent_task_run_id": None})


def everything(projections: ProjectionScenario) -> ProjectionScenario:
    """A flow with a run, which has a task run, an input, log lines, and a subflow of another flow."""
    other_flow = run_created(parent_task_run_id=TASK_ID).model_copy(update={"flow_id": UUID(int=99)})
    facts: list[tuple[Aggregate, Event]] = [
        (FLOW, FLOW_CREATED),
        (RUN, run_created()),
        (RUN, run_moved(numbered(1, "RUNNING"))),
        (TASK, reported(2, "RUNNING")),
        (INPUT, INPUT_CREATED),
        (SUBFLOW, other_flow),
    ]
    return projections.with_log_lines({"flow_run_id": RUN_ID}, {"flow_run_id": SUBFLOW_ID}).given(*facts)


OWNED = ("flow_run_state", "task_run", "task_run_state", "flow_run_input")


async def test_a_deleted_flow_run_takes_what_belongs_to_it_along(projections: ProjectionScenario) -> None:
    shown = await everything(projections).when((RUN, FlowRunDeleted()))
    shown.then_nothing(*OWNED).then("flow", {})
    shown.then("flow_run", {"id": str(SUBFLOW_ID), "parent_task_run_id": None})
    shown.then("log", {"flow_run_id": str(SUBFLOW_ID)})


async def test_a_deleted_flow_takes_its_runs_along(projections: ProjectionScenario) -> None:
    shown = await everything(projections).when((FLOW, FlowDeleted()))
    shown.then_nothing("flow", *OWNED).then("flow_run", {"id": str(SUBFLOW_ID), "parent_task_run_id": None})
    shown.then("log", {"flow_run_id": str(SUBFLOW_ID)})


async def test_log_lines_of_a_run_that_was_created_again_survive_a_replay_of_the_deletion(
    projections: ProjectionScenario,
) -> None:
    later = NOW + timedelta(minutes=1)
    lines = projections.with_log_lines({"flow_run_id": RUN_ID}, {"flow_run_id": RUN_ID, "created": later})
    shown = await lines.when((RUN, run_created()), (RUN, FlowRunDeleted()), (RUN, run_created()))
    shown.then("log", {"created": "2026-01-02T03:05:05.678901+00:00"}).then("flow_run", {"id": str(RUN_ID)})
