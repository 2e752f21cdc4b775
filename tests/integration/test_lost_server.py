"""A connection ends whose server is gone, with something left to send: nats-py raises for that."""

from __future__ import annotations

import asyncio

from nats.aio.client import Client as NatsClient

from antiphon.client import Client
from antiphon.services.runtime.nats import application
from antiphon.services.runtime.settings import Settings
from tests.integration.in_process import NO_POSTGRES
from tests.servers import NatsServer


async def _lose_server(connection: NatsClient, server: NatsServer) -> None:
    server.kill()
    async with asyncio.timeout(10):
        while connection.is_connected:
            await asyncio.sleep(0.01)
    await connection.publish("never.sent")


async def test_a_role_ends_without_its_server(nats_server: NatsServer) -> None:
    async with application(Settings(nats_url=nats_server.url, postgres_url=NO_POSTGRES), "test") as role:
        await _lose_server(role.client, nats_server)
    assert role.client.is_closed


async def test_a_client_ends_without_its_server(nats_server: NatsServer) -> None:
    async with Client.connect(nats_server.url) as client:
        await _lose_server(client._connection, nats_server)
    assert client._connection.is_closed
