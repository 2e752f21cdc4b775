"""However events are cut into batches, and however often they come, the rows are the same."""

from __future__ import annotations

import asyncio
from typing import Final
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.document.events import (
    FlowCreated,
    FlowDeleted,
    FlowRunInputCreated,
    FlowRunInputDeleted,
    FlowRunInputUpdated,
    FlowUpdated,
)
from events.flow_run.events import (
    FlowRunChanges,
    FlowRunDeleted,
    FlowRunPolicy,
    FlowRunTransitionRejected,
    FlowRunUpdated,
)
from events.log.memory import MemoryLog
from events.log.port import Draft
from events.message import Event, Metadata
from events.state import Progress, State
from events.subjects import Aggregate
from events.task_run.events import (
    TaskRunDeleted,
    TaskRunFlowRunTracked,
    TaskRunRenamed,
    TaskRunStateRecorded,
)
from projections.rebuild import Rebuild
from projections.writer import connect
from services.runtime.clock import ManualClock
from tests.examples import COMMAND_ID, FLOW_ID, NOW, run_created, run_moved, state, task_created, task_moved
from tests.projection_scenario import Cuts, Fact, ProjectionScenario, recorded, rows_of

RUNS: Final = tuple(UUID(int=number) for number in (1, 2))
TASKS: Final = tuple(UUID(int=number) for number in (11, 12))
INPUT: Final = UUID(int=21)


def _state(number: int, kind: str) -> State:
    return state(kind).model_copy(update={"id": UUID(int=1000 + number)})


def _flow_run_events(run: UUID, number: int) -> list[Event]:
    """`number` tells the states apart. The second run is a subflow of the first one's task run."""
    parent = TASKS[0] if run == RUNS[1] else None
    policy = FlowRunPolicy(resuming=True)
    return [
        run_created(parent_task_run_id=parent, tags=(f"t{number}",)),
        run_moved(_state(number, "PENDING"), run_count=number),
        run_moved(_state(number, "RUNNING"), run_count=number).model_copy(update={"empirical_policy": policy}),
        FlowRunTransitionRejected(
            rule="R", reason="r", proposed=state("PAUSED"), state=_state(number, "FAILED"), progress=Progress()
        ),
        FlowRunTransitionRejected(rule="R", reason="r", proposed=state("PAUSED"), empirical_policy=policy),
        FlowRunUpdated(changes=FlowRunChanges(name=f"n{number}", labels={"k": number})),
        FlowRunDeleted(),
    ]


def _task_run_events(task: UUID, number: int) -> list[Event]:
    run = RUNS[TASKS.index(task)]
    created = task_created(flow_run_id=run)
    latest = TaskRunStateRecorded(
        state=_state(number, "RUNNING"), is_latest=True, fields=created.fields, progress=Progress(run_count=number)
    )
    return [
        created,
        latest,
        TaskRunStateRecorded(state=_state(number, "PENDING"), is_latest=False),
        task_moved(_state(number, "COMPLETED"), run_count=number),
        TaskRunFlowRunTracked(flow_run_run_count=number),
        TaskRunRenamed(name=f"n{number}"),
        TaskRunDeleted(),
    ]


def _facts(number: int) -> st.SearchStrategy[Fact]:
    run_input = {"flow_run_id": str(RUNS[0]), "key": "k", "value": str(number), "sender": None}
    choices = [
        *(
            Fact(Aggregate("flow", str(FLOW_ID)), event)
            for event in (
                FlowCreated(data={"name": "flow", "tags": [], "labels": {}}),
                FlowUpdated(changes={"tags": [str(number)]}),
                FlowDeleted(),
            )
        ),
        *(
            Fact(Aggregate("flow_run_input", str(INPUT)), event)
            for event in (
                FlowRunInputCreated(data=run_input),
                FlowRunInputUpdated(changes={"value": f"new {number}"}),
                FlowRunInputDeleted(),
            )
        ),
        *(Fact(Aggregate("flow_run", str(run)), event) for run in RUNS for event in _flow_run_events(run, number)),
        *(Fact(Aggregate("task_run", str(task)), event) for task in TASKS for event in _task_run_events(task, number)),
    ]
    return st.sampled_from(choices)


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Fact], Cuts]:
    """Any events in any order, and where they are cut."""
    facts = [draw(_facts(number)) for number in range(draw(st.integers(2, 14)))]
    return facts, tuple(sorted(draw(st.sets(st.integers(1, len(facts) - 1)))))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories())
def test_any_events_in_any_batches_make_the_same_rows(
    projections: ProjectionScenario, history: tuple[list[Fact], Cuts]
) -> None:
    facts, cuts = history
    one_by_one = tuple(range(1, len(facts)))
    asyncio.run(projections.given(*facts).when(cuts=[one_by_one, cuts, ()]))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories())
def test_invariant_01_rebuilt_rows_are_the_live_ones(
    projections: ProjectionScenario, history: tuple[list[Fact], Cuts]
) -> None:
    asyncio.run(_check_rebuilt(projections, *history))


async def _check_rebuilt(projections: ProjectionScenario, facts: list[Fact], cuts: Cuts) -> None:
    live = await projections.given(*facts).when(cuts=[cuts])
    clock = ManualClock(NOW)
    log = MemoryLog(clock)
    for item in recorded(facts):
        metadata = Metadata(command_id=COMMAND_ID, occurred_at=item.metadata.occurred_at)
        await log.append([Draft(item.aggregate, item.event, metadata, 0)], {})
    assert await Rebuild(log, projections.postgres_url).run() == len(facts)
    async with await connect(projections.postgres_url) as connection:
        assert await rows_of(connection) == live.rows
