"""A small history that queries are asked about."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID, uuid5

from antiphon.events.document.events import FlowCreated, FlowRunInputCreated
from antiphon.events.message import Event
from antiphon.events.state import RunProgress, State
from antiphon.events.subjects import Aggregate
from antiphon.events.task_run.events import TaskRunStateRecorded
from tests.examples import EARLIER, FLOW, INITIAL_STATE, NOW, run_created, run_moved, state, task_created
from tests.projection_scenario import ProjectionScenario

FIRST, SECOND, THIRD, MISSING = (UUID(int=number) for number in (1, 2, 3, 9))
TASK, LONELY, HIDDEN = (UUID(int=number) for number in (11, 12, 13))


def run(run_id: UUID) -> Aggregate:
    return Aggregate("flow_run", str(run_id))


def task(task_id: UUID) -> Aggregate:
    return Aggregate("task_run", str(task_id))


def initial(name: str) -> State:
    """The state that a run of this name begins in."""
    return INITIAL_STATE.model_copy(update={"id": uuid5(FIRST, name)})


def created(name: str, **fields: Any) -> Event:
    return run_created(to=initial(name), **fields).model_copy(update={"name": name})


def moved(number: int, kind: str, **progress: Any) -> Event:
    return run_moved(state(kind).model_copy(update={"id": UUID(int=number)}), **progress)


def reported(number: int, name: str, flow_run_id: UUID | None) -> Event:
    fields = task_created(flow_run_id=flow_run_id).fields.model_copy(update={"name": name, "tags": ("x",)})
    its_state = state("COMPLETED").model_copy(update={"id": UUID(int=number)})
    return TaskRunStateRecorded(state=its_state, is_latest=True, fields=fields, progress=RunProgress(start_time=NOW))


FACTS: Final[list[tuple[Aggregate, Event]]] = [
    (FLOW, FlowCreated(data={"name": "flow", "tags": ["f"], "labels": {}})),
    (run(FIRST), created("first", tags=("a", "b"), flow_version="1", idempotency_key="k")),
    (run(FIRST), moved(101, "COMPLETED", start_time=EARLIER, end_time=NOW, expected_start_time=EARLIER)),
    (task(TASK), reported(103, "task", FIRST)),
    (run(SECOND), created("second", parent_task_run_id=TASK, tags=("a",))),
    (run(SECOND), moved(102, "SCHEDULED", expected_start_time=NOW, next_scheduled_start_time=NOW)),
    (run(THIRD), created("third")),
    (task(LONELY), reported(104, "lonely", None)),
    (task(HIDDEN), reported(105, "hidden", MISSING)),
    (
        Aggregate("flow_run_input", str(UUID(int=50))),
        FlowRunInputCreated(data={"flow_run_id": str(FIRST), "key": "in-1", "value": "1", "sender": None}),
    ),
]


async def take_place(projections: ProjectionScenario) -> None:
    """The first run has ended, the second is a scheduled subflow of the first's task run, the third is pending."""
    scenario = projections.with_log_lines(
        {"message": "It Works", "flow_run_id": FIRST, "level": 20, "timestamp": EARLIER},
        {"message": "100% done", "task_run_id": TASK, "level": 40},
    )
    await scenario.when(*FACTS, cuts=[()])
