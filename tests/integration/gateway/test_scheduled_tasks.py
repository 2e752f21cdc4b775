"""Background tasks wait in durable queues, and each is handed to one worker."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest
from websockets.asyncio.client import ClientConnection

from antiphon.services.policy.main import run as run_policy
from antiphon.services.projector.main import run as run_projector
from antiphon.services.reactor.main import run as run_reactor
from tests.integration.gateway.house import Addresses
from tests.integration.gateway.listening import connected, gateway_process, heard, listening
from tests.servers import NatsServer

PATH = "/task_runs/subscriptions/scheduled"
ACK = '{"type": "ack"}'


@asynccontextmanager
async def everything(addresses: Addresses) -> AsyncIterator[str]:
    """All roles; the address of the API."""
    async with addresses.running(run_policy, run_projector, run_reactor), listening(addresses) as url:
        yield url


@asynccontextmanager
async def worker(url: str, *keys: str) -> AsyncIterator[ClientConnection]:
    """A task worker that has subscribed."""
    async with connected(url, PATH) as socket:
        await socket.send(json.dumps({"type": "subscribe", "keys": keys, "client_id": "test"}))
        yield socket


async def submit(url: str, key: str, **details: Any) -> str:
    """The id of a new background task."""
    state = {"type": "SCHEDULED", "state_details": {"deferred": True, "task_parameters_id": str(uuid4()), **details}}
    body = {"task_key": key, "dynamic_key": str(uuid4()), "name": f"task of {key}", "state": state}
    async with httpx.AsyncClient(timeout=30) as caller:
        created = await caller.post(f"http://{url}/task_runs/", json=body)
        assert created.status_code == 201, created.text
        return str(created.json()["id"])


async def take(socket: ClientConnection) -> str:
    """The id of the task a worker is given; it says that it has it."""
    (task_run,) = await heard(socket, 1)
    await socket.send(ACK)
    return str(task_run["id"])


async def assert_silent(*sockets: ClientConnection, seconds: float = 1.0) -> None:
    """Nothing is handed out."""
    for socket in sockets:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(socket.recv(), seconds)


async def test_each_task_goes_to_one_worker_for_its_key_the_oldest_first(addresses: Addresses) -> None:
    async with everything(addresses) as url:
        before = [await submit(url, "a") for _ in range(3)]
        await submit(url, "c")
        async with worker(url, "a", "b") as first, worker(url, "b") as second:
            assert [await take(first) for _ in before] == before
            tasks = {await submit(url, "b") for _ in range(4)}
            taken: set[str] = set()
            for socket in (first, second, first, second):
                taken.add(await take(socket))
            assert taken == tasks
            await assert_silent(first, second)


async def test_a_worker_is_given_the_whole_task_run(addresses: Addresses) -> None:
    async with everything(addresses) as url, worker(url, "key") as socket:
        task_run_id = await submit(url, "key")
        (given,) = await heard(socket, 1)
        async with httpx.AsyncClient() as caller:
            shown = (await caller.get(f"http://{url}/task_runs/{task_run_id}")).json()
    lateness = "estimated_start_time_delta"
    assert {**given, lateness: 0} == {**shown, lateness: 0}
    assert given["state"]["state_details"]["deferred"] is True


async def test_a_worker_that_has_not_got_one_yet_gets_no_other(addresses: Addresses) -> None:
    async with everything(addresses) as url, worker(url, "key", "other") as busy:
        first = await submit(url, "key")
        (given,) = await heard(busy, 1)
        second = await submit(url, "other")
        # Longer than the server waits for a sign of life.
        await assert_silent(busy, seconds=12)
        async with worker(url, "key", "other") as free:
            assert await take(free) == second
            await busy.send(ACK)
            await assert_silent(free, busy)
    assert given["id"] == first


@pytest.mark.parametrize("last_word", ['{"type": "quit"}', '{"type": "what"}', "nonsense", None])
async def test_what_a_worker_did_not_get_is_handed_to_another(addresses: Addresses, last_word: str | None) -> None:
    async with everything(addresses) as url:
        task_run_id = await submit(url, "key")
        async with worker(url, "key") as leaves:
            await heard(leaves, 1)
            if last_word is not None:
                await leaves.send(last_word)
                await leaves.wait_closed()
        async with worker(url, "key") as stays:
            assert await take(stays) == task_run_id


async def test_tasks_outlive_every_process(addresses: Addresses, nats_server: NatsServer) -> None:
    async with everything(addresses) as url:
        waiting = await submit(url, "key")
        lost = await submit(url, "other")
        async with worker(url, "other") as leaves:
            await heard(leaves, 1)
    nats_server.kill()
    nats_server.start()
    async with everything(addresses) as url, worker(url, "key") as one, worker(url, "other") as other:
        assert await take(one) == waiting
        assert await take(other) == lost
        await assert_silent(one, other)


async def test_what_a_killed_gateway_had_in_hand_is_handed_out_by_the_next(addresses: Addresses) -> None:
    async with everything(addresses) as url:
        task_run_id = await submit(url, "key")
        with gateway_process(addresses) as other:
            async with AsyncExitStack() as sockets:
                leaves = await sockets.enter_async_context(worker(await other.url(), "key"))
                await heard(leaves, 1)
                other.process.kill()
                other.process.wait()
        async with worker(url, "key") as stays:
            assert await take(stays) == task_run_id


async def test_tasks_are_handed_out_also_after_nats_was_away(addresses: Addresses, nats_server: NatsServer) -> None:
    async with everything(addresses) as url, worker(url, "key") as socket:
        first = await submit(url, "key")
        assert await take(socket) == first
        nats_server.kill()
        nats_server.start()
        second = await submit(url, "key")
        assert await take(socket) == second


async def test_a_task_that_is_cancelled_or_deleted_while_it_waits_is_not_handed_out(addresses: Addresses) -> None:
    async with everything(addresses) as url, httpx.AsyncClient(base_url=f"http://{url}") as caller:
        cancelled, deleted, kept = [await submit(url, "key") for _ in range(3)]
        await caller.post(f"/task_runs/{cancelled}/set_state", json={"state": {"type": "CANCELLED"}, "force": True})
        await caller.delete(f"/task_runs/{deleted}")
        async with worker(url, "key") as socket:
            assert await take(socket) == kept
            await assert_silent(socket)


async def test_a_task_that_is_scheduled_again_is_handed_out_again(addresses: Addresses) -> None:
    async with everything(addresses) as url, httpx.AsyncClient(base_url=f"http://{url}") as caller:
        task_run_id = await submit(url, "key")
        async with worker(url, "key") as socket:
            assert await take(socket) == task_run_id
            again = {"type": "SCHEDULED", "state_details": {"deferred": True}}
            moved = await caller.post(f"/task_runs/{task_run_id}/set_state", json={"state": again, "force": True})
            assert moved.status_code == 201
            assert await take(socket) == task_run_id
            await assert_silent(socket)


async def test_other_task_runs_are_not_handed_out(addresses: Addresses) -> None:
    async with everything(addresses) as url, worker(url, "key") as socket:
        await submit(url, "key", deferred=False)
        last = await submit(url, "key")
        assert await take(socket) == last
