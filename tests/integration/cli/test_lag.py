"""The lag of every reader is what it has before it, whether it runs or not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import nats
import psycopg
import pytest
from nats.aio.client import Client as NatsClient

from antiphon.events import subjects
from antiphon.events.client.client import Client
from antiphon.events.document.commands import CreateFlow
from antiphon.events.flow_run.commands import CreateFlowRun, SetFlowRunState
from antiphon.services.cli import lag
from antiphon.services.policy import main as policy
from antiphon.services.projector import main as projector
from antiphon.services.reactor import main as reactor
from antiphon.services.recorder import main as recorder
from antiphon.services.runtime.nats import stream_states
from tests.examples import proposed
from tests.integration.gateway.house import DEADLINE_SECONDS, Addresses


@pytest.fixture
async def connection(addresses: Addresses) -> AsyncIterator[NatsClient]:
    """A connection of somebody who looks."""
    client = await nats.connect(addresses.nats_url)
    yield client
    await client.close()


async def lags(connection: NatsClient, addresses: Addresses) -> dict[str, int]:
    states = await stream_states(connection, subjects.STREAMS)
    async with await psycopg.AsyncConnection.connect(addresses.postgres_url) as tables:
        positions = await lag.positions(tables)
    found = [*await lag.on_nats(connection, states), *await lag.of_projections(connection, positions, states)]
    return {item.reader: item.lag for item in found}


async def until(connection: NatsClient, addresses: Addresses, wanted: dict[str, int]) -> None:
    """Wait until these readers are behind by so much."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not wanted.items() <= (await lags(connection, addresses)).items():
            await asyncio.sleep(0.05)


async def test_every_reader_is_behind_by_what_it_has_before_it(addresses: Addresses, connection: NatsClient) -> None:
    client, run_id = Client(connection, timeout_seconds=DEADLINE_SECONDS), uuid4()
    async with addresses.running(policy.run):
        flow = await client.decide(uuid4(), CreateFlow(data={"name": "lagging"}))
        await client.decide(run_id, CreateFlowRun(flow_id=UUID(flow.aggregate_id)))
        await client.decide(run_id, SetFlowRunState(state=proposed("RUNNING")))
    await client.publish(run_id, SetFlowRunState(state=proposed("COMPLETED")))
    observation = subjects.observation("task_run", str(uuid4()))
    for _ in range(3):
        await connection.jetstream().publish(observation, b"nonsense")
    # Where no reactor says what it wants to see, every event counts.
    before, end = await lags(connection, addresses), await client.last_position()
    assert before == {"policy": 1, "recorder": 3, "reactor-observed": end, "reactor-scheduled": end, "archive": end}
    assert end >= 4
    async with addresses.running(reactor.run):
        # Task runs alone are of interest to the other one.
        await until(connection, addresses, {"reactor-observed": 0, "reactor-scheduled": 0})
    async with addresses.running(policy.run, projector.run, recorder.run, reactor.run):
        await until(connection, addresses, dict.fromkeys((*before, "events"), 0))
