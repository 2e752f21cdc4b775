"""What the tests of several processes share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import nats
import pytest
from faststream.nats import NatsBroker
from nats.aio.client import Client as NatsClient

from antiphon.events.log.nats.provision import provision
from tests.integration.gateway.house import Addresses


@pytest.fixture
async def client(nats_url: str) -> AsyncIterator[NatsClient]:
    """A connection to a server with streams."""
    connection = await nats.connect(nats_url)
    await provision(connection)
    yield connection
    await connection.close()


@pytest.fixture
async def broker(client: NatsClient, nats_url: str) -> AsyncIterator[NatsBroker]:
    """A FastStream broker on a server with streams."""
    connected = NatsBroker(nats_url, logger=None)
    await connected.start()
    yield connected
    await connected.stop()


@pytest.fixture
async def addresses(nats_url: str, postgres_url: str) -> Addresses:
    """Prepared servers; no role runs yet."""
    found = Addresses(nats_url, postgres_url)
    await found.prepare()
    return found
