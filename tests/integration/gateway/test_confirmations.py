"""A pong over `/events/in` confirms the events before the ping: the client forgets them then."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from uuid import uuid4

import nats
import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosedError

from antiphon.events import subjects
from antiphon.services.gateway import observations
from tests.integration.gateway.house import DEADLINE_SECONDS, Addresses
from tests.integration.gateway.listening import connected, listening
from tests.servers import NatsServer

EVENTS = 5


@pytest.fixture
async def reporting(addresses: Addresses) -> AsyncIterator[ClientConnection]:
    """A connection as the SDK makes it."""
    async with listening(addresses) as url, connected(url, "/events/in") as connection:
        yield connection


@contextmanager
def stalled(server: NatsServer) -> Iterator[None]:
    """A server that takes bytes and does nothing with them."""
    assert server.pid is not None
    os.kill(server.pid, signal.SIGSTOP)
    # Its threads stop one after the other; until the last has stopped it may still answer.
    os.waitid(os.P_PID, server.pid, os.WSTOPPED)
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
    await asyncio.wait_for(pong, DEADLINE_SECONDS)
    assert await stored(nats_url) == EVENTS


async def test_every_ping_is_answered_in_its_turn(reporting: ClientConnection) -> None:
    await asyncio.wait_for(await reporting.ping(b"first"), DEADLINE_SECONDS)
    pongs = []
    for number in range(3):
        await send_events(reporting)
        pongs.append(await reporting.ping(b"%d" % number))
    await asyncio.wait_for(asyncio.gather(*pongs), DEADLINE_SECONDS)


async def test_a_ping_behind_events_that_were_not_taken_is_not_answered(
    reporting: ClientConnection, nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observations, "_TIMEOUT_SECONDS", 0.3)
    with stalled(nats_server):
        await send_events(reporting)
        pong = await reporting.ping()
        with pytest.raises(ConnectionClosedError) as closed:
            await asyncio.wait_for(pong, DEADLINE_SECONDS)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1013
