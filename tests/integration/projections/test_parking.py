"""Events that cannot be projected are put aside, and what is behind them in their event stream waits."""

from __future__ import annotations

import psycopg
import pytest

from antiphon.events.document.events import FlowCreated
from antiphon.events.subjects import Aggregate
from antiphon.events.task_run.events import TaskRunRenamed
from antiphon.projections.as_of.keyframes import Keyframes
from antiphon.projections.engine.event_reader import EventReader
from antiphon.projections.engine.runner import Runner
from antiphon.projections.engine.writer import connect, position_of
from tests.examples import FLOW, INITIAL_STATE, RUN, RUN_ID, TASK, TASK_ID, run_created, run_moved, state, task_created
from tests.projection_scenario import ProjectionScenario, empty

FINE = (FLOW, FlowCreated(data={"name": "flow", "tags": [], "labels": {}}))


async def test_events_behind_an_unreadable_one_wait(projections: ProjectionScenario) -> None:
    facts = projections.given(
        (RUN, run_created()), (RUN, run_moved(state("PENDING"))), (RUN, run_moved(state("RUNNING")))
    )
    shown = await facts.but_unreadable(2).when(FINE)
    assert shown.parked == {2}
    shown.then("flow", {}).then("flow_run", {"state_id": str(INITIAL_STATE.id)}).then("flow_run_state", {})
    parked = {"position": 2, "reason": "unreadable", "error": "unreadable", "waiting": 1}
    shown.then("parked_aggregate", parked).then("checkpoint", {"position": 4})


async def test_events_behind_one_that_postgres_refuses_wait_in_the_same_batch_too(
    projections: ProjectionScenario,
) -> None:
    refused = run_created(parameters={"x": "a\x00b"})
    shown = await projections.when((RUN, refused), FINE, (RUN, run_moved(state("PENDING"))))
    assert shown.parked == {1}
    shown.then("flow", {}).then_nothing("flow_run", "flow_run_state")
    shown.then("parked_aggregate", {"position": 1, "reason": "unwritable", "waiting": 1})


async def test_what_cannot_be_read_waits_behind_an_event_of_its_stream_that_postgres_refuses(
    projections: ProjectionScenario,
) -> None:
    facts = projections.given(
        (RUN, run_created(parameters={"x": "a\x00b"})),
        (RUN, run_moved(state("PENDING"))),
        (RUN, run_moved(state("RUNNING"))),
    )
    shown = await facts.but_unreadable(3).when((RUN, run_moved(state("COMPLETED"))))
    shown.then_nothing("flow_run", "flow_run_state")
    shown.then("parked_aggregate", {"position": 1, "reason": "unwritable", "waiting": 3})


async def test_events_before_one_that_is_put_aside_do_not_wait(projections: ProjectionScenario) -> None:
    facts = projections.given(
        (RUN, run_created()), (RUN, run_moved(state("RUNNING"))), (RUN, run_moved(state("FAILED")))
    )
    # The batch is written event by event because of the task run, when the third has been put aside already.
    shown = await facts.but_unreadable(3).when(
        (TASK, task_created(flow_run_id=RUN_ID)), (TASK, TaskRunRenamed(name="\x00"))
    )
    assert shown.parked == {3, 5}
    shown.then("flow_run", {"state_type": "RUNNING"}).then("task_run", {"id": str(TASK_ID), "name": "task"})


async def test_an_event_whose_aggregate_has_no_uuid_is_put_aside(projections: ProjectionScenario) -> None:
    shown = await projections.when((Aggregate("flow", "mine"), FINE[1]), FINE)
    assert shown.parked == {1}
    shown.then("flow", {"id": FLOW.id}).then("parked_aggregate", {"position": 1})


async def test_a_document_without_what_its_table_needs_is_put_aside(projections: ProjectionScenario) -> None:
    shown = await projections.when((FLOW, FlowCreated(data={"colour": "blue"})))
    assert shown.parked == {1}
    shown.then_nothing("flow")


async def test_nothing_is_put_aside_for_a_missing_table(projections: ProjectionScenario) -> None:
    def note(item: object, why: str) -> None:
        pytest.fail(f"{item} was parked: {why}")

    items = projections.given(FINE).items()
    async with await connect(projections.postgres_url) as connection:
        await empty(connection)
        await connection.execute("ALTER TABLE flow RENAME TO elsewhere")
        with pytest.raises(psycopg.errors.UndefinedTable):
            await Runner(connection, "events", EventReader({}, note), 0, keyframes=Keyframes(connection)).advance(items)
        assert await position_of(connection, "events") == 0
