"""A flow run or task run as of a position is what the read models showed when they had reached it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson
from psycopg import AsyncConnection
from psycopg.rows import dict_row

from antiphon.events.document.events import FlowCreated, FlowDeleted
from antiphon.events.flow_run.events import (
    FlowRunChanges,
    FlowRunDeleted,
    FlowRunPolicy,
    FlowRunTransitionAborted,
    FlowRunTransitionRejected,
    FlowRunUpdated,
)
from antiphon.events.log.port import Recorded, Unreadable
from antiphon.events.subjects import Aggregate
from antiphon.events.task_run.events import TaskRunDeleted, TaskRunRenamed
from antiphon.projections.as_of.as_of import run_at
from antiphon.projections.as_of.as_of_session import AsOfSession
from antiphon.projections.as_of.keyframes import Keyframes
from antiphon.projections.core.reading import encoded
from antiphon.projections.engine.event_reader import EventReader
from antiphon.projections.engine.runner import Runner
from antiphon.projections.engine.writer import connect
from antiphon.projections.flow_run.projection import FLOW_RUN
from antiphon.projections.task_run.projection import TASK_RUN
from tests.examples import FLOW, NOW, run_created, state, task_created, task_moved
from tests.integration.projections.history import (
    FIRST,
    HIDDEN,
    LONELY,
    SECOND,
    TASK,
    initial,
    moved,
    reported,
    run,
    task,
)
from tests.projection_scenario import ProjectionScenario

OTHER_FLOW = Aggregate("flow", str(UUID(int=77)))


def life() -> list[tuple[Aggregate, Any]]:
    """A run and its subflow, moved, refused, marked, changed, orphaned and deleted; task runs of both, and of none."""
    proposed = state("RUNNING")
    subflow = run_created(to=initial("second"), parent_task_run_id=TASK, tags=("b",)).model_copy(
        update={"flow_id": UUID(OTHER_FLOW.id)}
    )
    return [
        (FLOW, FlowCreated(data={"name": "flow", "tags": [], "labels": {}})),
        (
            run(FIRST),
            run_created(to=initial("first"), tags=("a",), labels={"x": 1}, parameters={"p": [1, {"q": None}]}),
        ),
        (run(FIRST), moved(101, "PENDING", expected_start_time=NOW)),
        (task(TASK), reported(103, "task", FIRST)),
        (task(HIDDEN), reported(107, "ahead of its run", SECOND)),
        (run(SECOND), subflow),
        (task(LONELY), task_created(to=initial("lonely"))),
        (task(LONELY), task_moved(state("PENDING").model_copy(update={"id": UUID(int=108)}))),
        (task(LONELY), TaskRunRenamed(name="renamed")),
        (run(SECOND), moved(102, "SCHEDULED", next_scheduled_start_time=NOW, expected_start_time=NOW)),
        (run(FIRST), FlowRunTransitionAborted(rule="R", reason="no", proposed=proposed)),
        (
            run(FIRST),
            FlowRunTransitionRejected(
                rule="R", reason="no", proposed=proposed, empirical_policy=FlowRunPolicy(pause_keys=("k",))
            ),
        ),
        (run(FIRST), FlowRunUpdated(changes=FlowRunChanges(name="new", labels={"y": 2}, tags=("c",)))),
        (run(FIRST), moved(104, "RUNNING", run_count=1, start_time=NOW, total_run_time=0.5)),
        (task(LONELY), task_moved(state("RUNNING", at=NOW).changed(id=UUID(int=109))).changed(flow_run_run_count=3)),
        (run(FIRST), FlowRunUpdated(changes=FlowRunChanges(infrastructure_pid="7", job_variables={"v": 1}))),
        (run(SECOND), moved(105, "RUNNING", run_count=1, start_time=NOW)),
    ]


ENDS: list[list[tuple[Aggregate, Any]]] = [
    [(run(FIRST), FlowRunDeleted()), (run(FIRST), run_created(to=initial("again"), tags=("again",)))],
    [(task(TASK), TaskRunDeleted()), (run(SECOND), FlowRunDeleted()), (task(LONELY), TaskRunDeleted())],
    [(FLOW, FlowDeleted()), (run(FIRST), moved(106, "COMPLETED", end_time=NOW))],
    [(OTHER_FLOW, FlowDeleted()), (task(TASK), task_created(to=initial("anew")))],
]


async def shown(connection: AsyncConnection[Any], asked: Aggregate) -> Any:
    table = {"flow_run": FLOW_RUN, "task_run": TASK_RUN}[asked.kind]
    async with connection.cursor(row_factory=dict_row) as cursor:
        query = f"SELECT {', '.join(table.columns)} FROM {table.name} WHERE id = %s"  # noqa: S608
        if table is TASK_RUN:
            query += " AND NOT awaits_flow_run"
        row = await (await cursor.execute(query.encode(), (asked.id,))).fetchone()
        query = f"SELECT state FROM {table.name}_state WHERE {table.name}_id = %s ORDER BY timestamp"  # noqa: S608
        states = [item["state"] for item in await (await cursor.execute(query.encode(), (asked.id,))).fetchall()]
    return None if row is None else orjson.loads(encoded({"run": row, "states": states}))


async def test_invariant_01_a_run_as_of_every_position_is_what_the_read_models_showed_then(
    projections: ProjectionScenario,
) -> None:
    for end in ENDS:
        items = projections.given(*life(), *end).items()

        async def read(aggregate: Aggregate, items: Sequence[Recorded | Unreadable] = items) -> list[Any]:
            return [item for item in items if isinstance(item, Recorded) and item.aggregate == aggregate]

        def note(item: object, why: str) -> None:
            raise AssertionError(f"{item} was parked: {why}")

        async with (
            await connect(projections.postgres_url) as connection,
            AsOfSession.beginning(projections.postgres_url) as nothing,
        ):
            await connection.execute(
                "TRUNCATE flow, flow_run, flow_run_name, flow_run_tag, flow_run_state, task_run, task_run_tag,"
                " task_run_state, checkpoint"
            )
            reader = EventReader({}, note)
            runner: Runner[Recorded | Unreadable] = Runner(
                connection, "events", reader, 0, keyframes=Keyframes(connection)
            )
            for item in items:
                await runner.advance([item])
                for asked in (run(FIRST), run(SECOND), task(TASK), task(HIDDEN), task(LONELY)):
                    then = await run_at(nothing, read, asked, item.position)
                    told = None if then is None else {"run": then.run, "states": then.states}
                    expected = await shown(connection, asked)
                    assert (None if told is None else orjson.loads(encoded(told))) == expected, item
        assert items[-1].position == len(items)
