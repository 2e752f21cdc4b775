"""Two gateways in front of one policy and one projector, in one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

import httpx
import nats
import pytest
from nats.aio.client import Client as NatsClient

from antiphon.events.client.client import Client
from antiphon.events.flow_run.commands import SetFlowRunState
from antiphon.events.log.nats.provision import provision
from antiphon.events.outcome import Status
from antiphon.events.state import ProposedState, StateType
from antiphon.services.gateway.consistency.watermark import Watermark
from antiphon.services.gateway.main import run as run_gateway
from antiphon.services.policy.main import run as run_policy
from antiphon.services.projector.main import run as run_projector
from antiphon.services.runtime.settings import Settings
from tests.acceptance.server import free_port

STATE = {"state": {"type": "RUNNING"}}


@dataclass
class Pair:
    """Clients of the two gateways."""

    one: httpx.AsyncClient
    other: httpx.AsyncClient


@asynccontextmanager
async def running(*roles: asyncio.Task[None]) -> AsyncIterator[None]:
    try:
        yield
    finally:
        for role in roles:
            role.cancel()
        await asyncio.gather(*roles, return_exceptions=True)


@pytest.fixture
async def pair(nats_url: str, postgres_url: str) -> AsyncIterator[Pair]:
    connection = await nats.connect(nats_url)
    await provision(connection)
    await connection.close()
    async with AsyncExitStack() as stack:
        settings = [Settings(nats_url=nats_url, postgres_url=postgres_url, api_port=free_port()) for _ in range(2)]
        roles = [asyncio.create_task(role(settings[0])) for role in (run_policy, run_projector)]
        roles += [asyncio.create_task(run_gateway(each)) for each in settings]
        await stack.enter_async_context(running(*roles))
        clients = [
            await stack.enter_async_context(httpx.AsyncClient(base_url=f"http://127.0.0.1:{each.api_port}/api"))
            for each in settings
        ]
        for client in clients:
            await until_ready(client)
        yield Pair(*clients)


async def until_ready(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                if (await client.get("/ready")).status_code == 200:
                    return
            except httpx.ConnectError:
                await asyncio.sleep(0.05)


async def new_run(client: httpx.AsyncClient, **headers: str) -> httpx.Response:
    flow = (await client.post("/flows/", json={"name": "flow"})).json()
    return await client.post("/flow_runs/", json={"flow_id": flow["id"], "state": {"type": "PENDING"}}, headers=headers)


async def test_invariant_08_a_write_is_seen_at_once_through_every_gateway(pair: Pair) -> None:
    for _ in range(20):
        created = await new_run(pair.one)
        assert created.status_code == 201
        run_id = created.json()["id"]
        assert (await pair.other.get(f"/flow_runs/{run_id}")).json()["state_name"] == "Pending"
        moved = await pair.other.post(f"/flow_runs/{run_id}/set_state", json=STATE)
        assert (moved.status_code, moved.json()["status"]) == (201, "ACCEPT")
        assert int(moved.headers["Antiphon-Position"]) > int(created.headers["Antiphon-Position"])
        assert (await pair.one.get(f"/flow_runs/{run_id}")).json()["state_name"] == "Running"


async def test_log_lines_are_seen_at_once(pair: Pair) -> None:
    line = {"name": "n", "level": 20, "message": "m", "timestamp": "2026-01-01T00:00:00Z", "flow_run_id": str(uuid4())}
    assert (await pair.one.post("/logs/", json=[line])).status_code == 201
    found = (await pair.other.post("/logs/filter", json={})).json()
    assert [item["message"] for item in found] == ["m"]


async def test_a_repeated_request_with_its_key_gets_the_recorded_outcome(pair: Pair) -> None:
    run_id = (await new_run(pair.one)).json()["id"]
    key = {"Idempotency-Key": "any text"}
    first = await pair.one.post(f"/flow_runs/{run_id}/set_state", json=STATE, headers=key)
    again = await pair.other.post(f"/flow_runs/{run_id}/set_state", json=STATE, headers=key)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert len((await pair.one.get("/flow_run_states/", params={"flow_run_id": run_id})).json()) == 2


async def test_a_route_that_is_not_there_yet_says_so(pair: Pair) -> None:
    assert (await pair.one.post("/block_types/filter", json={})).status_code == 501
    # Nor does a route that is there do half of what it is asked.
    scheduled = {"name": "d", "flow_id": str(uuid4()), "schedules": [{"schedule": {"interval": 60}}]}
    assert (await pair.one.post("/deployments/", json=scheduled)).status_code == 501


async def test_waiting_for_a_position_ends_with_the_time_or_the_announcement() -> None:
    reached = Watermark("events", NatsClient(), None)  # type: ignore[arg-type]  # PostgreSQL is not asked
    assert not await reached.wait_for(2, 0.01)
    waiting = [asyncio.create_task(reached.wait_for(position, 5)) for position in (2, 1, 3)]
    await asyncio.sleep(0)
    reached.on_announced(2)
    assert [await waiting[0], await waiting[1]] == [True, True]
    assert not waiting[2].done()
    reached.on_announced(3)
    assert await waiting[2]
    assert await reached.wait_for(1, 0)


async def test_invariant_08_what_a_nats_client_was_told_is_seen_at_once(pair: Pair, nats_url: str) -> None:
    async with Client.connect(nats_url) as client:
        for _ in range(20):
            run_id = (await new_run(pair.one)).json()["id"]
            outcome = await client.decide(run_id, SetFlowRunState(state=ProposedState(type=StateType.RUNNING)))
            assert outcome.status is Status.ACCEPT
            for each in (pair.one, pair.other):
                assert (await each.get(f"/flow_runs/{run_id}")).json()["state_name"] == "Running"


async def test_of_those_who_wait_for_a_projection_that_does_not_move_only_the_first_waits_long() -> None:
    reached = Watermark("events", NatsClient(), None)  # type: ignore[arg-type]  # PostgreSQL is not asked
    assert not await reached.wait_unless_stuck(2, 0.01)
    # It would not come back in a test's time.
    assert not await reached.wait_unless_stuck(3, 10_000)
    reached.on_announced(1)
    waiting = asyncio.create_task(reached.wait_unless_stuck(3, 10_000))
    await asyncio.sleep(0)
    reached.on_announced(3)
    assert await waiting
