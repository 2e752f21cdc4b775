"""A pong over `/events/in` confirms the events before the ping: the client forgets them then."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from uuid import uuid4

import httpx
import nats
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError
from websockets.typing import Subprotocol

from events import subjects
from services.gateway import observing
from services.gateway.main import run
from services.runtime.settings import Settings
from tests.integration.gateway.house import Addresses, until_answer
from tests.servers import NatsServer

EVENTS = 5


@asynccontextmanager
async def listening_gateway(addresses: Addresses, port: int) -> AsyncIterator[None]:
    """Run a gateway on a port."""
    settings = Settings(nats_url=addresses.nats_url, postgres_url=addresses.postgres_url, api_port=port)
    serving = asyncio.create_task(run(settings))
    try:
        async with httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(retries=5)) as caller:
            await until_answer(lambda: caller.get(f"http://127.0.0.1:{port}/api/ready"), 200)
        yield
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


@pytest.fixture
async def reporting(addresses: Addresses, unused_tcp_port: int) -> AsyncIterator[ClientConnection]:
    """A connection as the SDK makes it."""
    async with (
        listening_gateway(addresses, unused_tcp_port),
        connect(
            f"ws://127.0.0.1:{unused_tcp_port}/api/events/in", subprotocols=[Subprotocol("prefect")], proxy=None
        ) as connection,
    ):
        await connection.send('{"type": "auth", "token": null}')
        assert json.loads(await connection.recv()) == {"type": "auth_success"}
        yield connection


@contextmanager
def stalled(server: NatsServer) -> Iterator[None]:
    """A server that takes bytes and does nothing with them."""
    assert server.pid is not None
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


async def send_events(connection: ClientConnection) -> None:
    for _ in range(EVENTS):
        resource = {"prefect.resource.id": "a.thing"}
        event = {"occurred": "2001-01-01T00:00:00Z", "event": "happened", "resource": resource, "id": str(uuid4())}
        await connection.send(json.dumps(event))


async def stored(nats_url: str) -> int:
    """The number of observations in the log."""
    async with await nats.connect(nats_url) as client:
        return (await client.jetstream().stream_info(subjects.OBSERVED)).state.messages


async def test_a_ping_is_answered_once_the_events_before_it_are_on_disk(
    reporting: ClientConnection, nats_server: NatsServer, nats_url: str
) -> None:
    with stalled(nats_server):
        await send_events(reporting)
        pong = asyncio.ensure_future(await reporting.ping())
        await asyncio.sleep(0.5)
        assert not pong.done()
    await asyncio.wait_for(pong, 5)
    assert await stored(nats_url) == EVENTS


async def test_every_ping_is_answered_in_its_turn(reporting: ClientConnection) -> None:
    await asyncio.wait_for(await reporting.ping(b"first"), 5)
    pongs = []
    for number in range(3):
        await send_events(reporting)
        pongs.append(await reporting.ping(b"%d" % number))
    await asyncio.wait_for(asyncio.gather(*pongs), 5)


async def test_a_ping_behind_events_that_were_not_taken_is_not_answered(
    reporting: ClientConnection, nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observing, "_TIMEOUT_SECONDS", 0.3)
    with stalled(nats_server):
        await send_events(reporting)
        pong = await reporting.ping()
        with pytest.raises(ConnectionClosedError) as closed:
            await asyncio.wait_for(pong, 5)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1013
