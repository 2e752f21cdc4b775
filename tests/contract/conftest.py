"""A connection to a server with streams, used the public and the raw way."""

from __future__ import annotations

from collections.abc import AsyncIterator

import nats
import pytest
from nats.aio.client import Client as NatsClient

from antiphon.events.log.nats.provision import provision
from antiphon.events.log.nats.raw_connection import use_raw_connection
from tests.servers import NatsServer


@pytest.fixture(params=["public", "raw"])
async def connection(request: pytest.FixtureRequest, nats_server: NatsServer) -> AsyncIterator[NatsClient]:
    """A connection that comes back when the server does."""
    client = await nats.connect(nats_server.url, max_reconnect_attempts=-1, reconnect_time_wait=0.1)
    if request.param == "raw":
        use_raw_connection(client)
    await provision(client)
    yield client
    await client.close()
