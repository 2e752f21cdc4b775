"""The projector as a process on PostgreSQL: killed, restarted, rebuilt, and given what cannot be written."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from nats.aio.client import Client as NatsClient
from psycopg import sql

from antiphon.events import subjects
from antiphon.events.flow_run.events import FlowRunDeleted
from antiphon.events.log.nats.jetstream import JetStreamLog
from antiphon.events.log.port import Draft
from antiphon.events.message import Event, Metadata
from antiphon.events.state import RunProgress
from antiphon.events.subjects import Aggregate
from antiphon.events.task_run.events import TaskRunStateRecorded
from antiphon.projections.core.migrate import migrate
from antiphon.projections.core.reading import configure
from antiphon.projections.engine.parked_streams import ParkedTotals, totals
from antiphon.projections.engine.writer import connect, position_of, write
from antiphon.projections.task_run import queries as task_runs
from tests.examples import INITIAL_STATE, NOW, run_created, run_moved, state, task_created
from tests.integration.projections.conftest import Projector
from tests.log import append_to

DEADLINE_SECONDS = 60
TABLES = ("flow_run", "flow_run_state", "task_run", "task_run_state", "flow", "flow_run_input", "log")


def drafts(aggregate: Aggregate, *events: Event) -> list[Draft]:
    return [
        Draft(aggregate, event, Metadata(command_id=uuid4(), occurred_at=NOW + timedelta(seconds=number)), 0)
        for number, event in enumerate(events)
    ]


def life(kinds: tuple[str, ...] = ("PENDING", "RUNNING", "COMPLETED")) -> list[Draft]:
    moves = [run_moved(state(kind).model_copy(update={"id": uuid4()}), run_count=1) for kind in kinds]
    return drafts(
        Aggregate("flow_run", str(uuid4())), run_created(to=INITIAL_STATE.changed(id=uuid4()), tags=("a",)), *moves
    )


async def reached(postgres_url: str, position: int) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS), await connect(postgres_url) as connection:
        while await position_of(connection, "events") < position:
            await asyncio.sleep(0.02)


async def parked(postgres_url: str) -> ParkedTotals:
    async with await connect(postgres_url) as connection:
        return await totals(connection)


async def rows(postgres_url: str) -> dict[str, list[Any]]:
    async with await connect(postgres_url) as connection:
        found = {}
        for table in TABLES:
            query = sql.SQL("SELECT * FROM {} ORDER BY id").format(sql.Identifier(table))
            cursor = await connection.execute(query)
            found[table] = await cursor.fetchall()
        return found


async def test_invariant_06_a_projector_that_is_killed_loses_and_doubles_nothing(
    client: NatsClient, projector: Projector, postgres_url: str
) -> None:
    log, last = JetStreamLog(client), 0
    for _ in range(6):
        projector.start()
        for _ in range(15):
            last = (await append_to(log, life()))[-1]
        projector.kill()
    projector.start()
    await reached(postgres_url, last)
    found = await rows(postgres_url)
    assert (len(found["flow_run"]), len(found["flow_run_state"])) == (90, 360)


async def test_invariant_01_read_models_that_are_dropped_are_the_same_when_built_again(
    client: NatsClient, projector: Projector, postgres_url: str
) -> None:
    log = JetStreamLog(client)
    gone = life()
    for item in (life(), life(("PENDING",)), gone, drafts(gone[0].aggregate, FlowRunDeleted())):
        last = (await append_to(log, item))[-1]
    last = (await append_to(log, drafts(Aggregate("task_run", str(uuid4())), task_created())))[-1]
    projector.start()
    await reached(postgres_url, last)
    before = await rows(postgres_url)
    assert (len(before["flow_run"]), len(before["task_run"])) == (2, 1)
    projector.kill()
    async with await psycopg.AsyncConnection.connect(postgres_url) as connection:
        await connection.execute("DROP SCHEMA read_v1 CASCADE")
    await migrate(postgres_url)
    projector.start()
    await reached(postgres_url, last)
    assert await rows(postgres_url) == before


async def test_a_checkpoint_never_moves_back(client: NatsClient, postgres_url: str) -> None:
    async with await connect(postgres_url) as connection:
        await write(connection, [], "events", 5)
        await write(connection, [], "events", 3)
        assert await position_of(connection, "events") == 5


async def test_a_failed_write_leaves_rows_and_checkpoint_as_they_were(client: NatsClient, postgres_url: str) -> None:
    from antiphon.projections.core.change import Put
    from antiphon.projections.flow.projection import FLOW

    async with await connect(postgres_url) as connection:
        with pytest.raises(psycopg.DataError):
            await write(connection, [Put(FLOW, {"id": uuid4(), "created": "never"})], "events", 5)
        assert await position_of(connection, "events") == 0


async def test_invariant_10_an_event_that_cannot_be_read_holds_up_its_own_aggregate_only(
    client: NatsClient, projector: Projector, postgres_url: str
) -> None:
    log = JetStreamLog(client)
    broken, fine = life(("PENDING",)), life()
    await append_to(log, broken)
    headers = {subjects.COMMAND_ID: str(uuid4()), "ce-time": NOW.isoformat()}
    subject = subjects.event(broken[0].aggregate, "state.accepted")
    await client.jetstream().publish(subject, b"not json", headers=headers)
    await append_to(log, drafts(broken[0].aggregate, run_moved(state("COMPLETED"))))
    last = (await append_to(log, fine))[-1]
    projector.start()
    await reached(postgres_url, last)
    found = await rows(postgres_url)
    assert {str(row[0]): len(found["flow_run"]) for row in found["flow_run"]}.keys() == {
        broken[0].aggregate.id,
        fine[0].aggregate.id,
    }
    # Its later event waits behind the broken one.
    assert len(found["flow_run_state"]) == 2 + 4
    assert await parked(postgres_url) == ParkedTotals(1, 1)


async def test_an_event_whose_rows_postgres_refuses_is_parked(
    client: NatsClient, projector: Projector, postgres_url: str
) -> None:
    log = JetStreamLog(client)
    impossible = drafts(Aggregate("flow_run", str(uuid4())), run_created(parameters={"x": "a\x00b"}))
    last = (await append_to(log, [*life(), *impossible, *life()]))[-1]
    projector.start()
    await reached(postgres_url, last)
    assert len((await rows(postgres_url))["flow_run"]) == 2
    assert await parked(postgres_url) == ParkedTotals(1, 0)


async def test_a_task_run_is_shown_when_its_flow_run_appears(
    client: NatsClient, projector: Projector, postgres_url: str
) -> None:
    log, run = JetStreamLog(client), life()
    task_id = uuid4()
    fields = task_created(flow_run_id=UUID(run[0].aggregate.id)).fields
    early = TaskRunStateRecorded(state=state("RUNNING"), is_latest=True, fields=fields, progress=RunProgress())
    position = (await append_to(log, drafts(Aggregate("task_run", str(task_id)), early)))[-1]
    projector.start()
    await reached(postgres_url, position)
    async with await psycopg.AsyncConnection.connect(postgres_url) as connection:
        await configure(connection)
        assert await task_runs.TASK_RUNS.get(connection, task_id) is None
        await reached(postgres_url, (await append_to(log, run))[-1])
        assert await task_runs.TASK_RUNS.get(connection, task_id) is not None
