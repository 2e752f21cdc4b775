"""A user's client, and the log that it reads."""

from __future__ import annotations

from collections.abc import AsyncIterator

import nats
import pytest
from nats.aio.client import Client as NatsClient

from antiphon import testing
from antiphon.client import Client
from antiphon.events.log.nats.jetstream import JetStreamLog
from antiphon.events.log.nats.provision import provision
from antiphon.events.log.port import EventLog
from tests.servers import NatsServer


@pytest.fixture
async def connection(nats_server: NatsServer) -> AsyncIterator[NatsClient]:
    """A user's connection, which comes back when the server does."""
    client = await nats.connect(nats_server.url, max_reconnect_attempts=-1, reconnect_time_wait=0.1)
    await provision(client)
    yield client
    await client.close()


@pytest.fixture
def client(connection: NatsClient) -> Client:
    return Client(connection)


@pytest.fixture
def log(connection: NatsClient) -> JetStreamLog:
    return JetStreamLog(connection)


@pytest.fixture(params=["memory", "jetstream"])
async def both(request: pytest.FixtureRequest, connection: NatsClient) -> AsyncIterator[tuple[Client, EventLog]]:
    if request.param == "memory":
        async with testing.memory() as memory:
            yield memory, memory._log
    else:
        yield Client(connection), JetStreamLog(connection)
