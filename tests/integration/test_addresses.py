"""Several NATS addresses: one of them answers."""

from __future__ import annotations

import asyncio

import pytest
from nats.aio.client import Client as NatsClient

from antiphon.client import Client
from antiphon.services.runtime.nats import application, brief_connection
from antiphon.services.runtime.settings import Settings
from tests.acceptance.server import free_port


@pytest.fixture
def addresses_of_one_server(client: NatsClient, nats_url: str) -> str:
    return f"nats://127.0.0.1:{free_port()}, {nats_url},nats://127.0.0.1:{free_port()}"


async def test_a_client_finds_the_server_that_answers(addresses_of_one_server: str) -> None:
    async with asyncio.timeout(30), Client.connect(addresses_of_one_server) as client:
        assert await client.last_position() == 0


async def test_a_command_finds_the_server_that_answers(addresses_of_one_server: str) -> None:
    async with brief_connection(addresses_of_one_server) as connection:
        assert connection.is_connected


async def test_a_role_finds_the_server_that_answers(addresses_of_one_server: str) -> None:
    settings = Settings(nats_url=addresses_of_one_server, postgres_url="postgresql://127.0.0.1/nothing")
    async with asyncio.timeout(30), application(settings, "test") as role:
        assert role.client.is_connected
