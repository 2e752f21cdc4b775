"""A gateway that listens on a port, and readers at its WebSockets."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from antiphon.services.gateway.main import run as run_gateway
from antiphon.services.runtime.embedded import child
from antiphon.services.runtime.settings import Settings
from tests.acceptance.server import free_port
from tests.integration.gateway.house import DEADLINE_SECONDS, Addresses, until_answer


@asynccontextmanager
async def listening(addresses: Addresses) -> AsyncIterator[str]:
    """The address of a gateway's API."""
    port = free_port()
    settings = Settings(nats_url=addresses.nats_url, postgres_url=addresses.postgres_url, api_port=port)
    url = f"127.0.0.1:{port}/api"

    async def run(_: Settings) -> None:
        await run_gateway(settings)

    async with addresses.running(run), httpx.AsyncClient() as caller:
        await until_answer(lambda: _health(caller, url), 200)
        yield url


@dataclass
class GatewayProcess:
    """A gateway that may be killed."""

    process: subprocess.Popen[bytes]
    _url: str

    async def url(self) -> str:
        """The address of its API, once it answers."""
        async with httpx.AsyncClient() as caller:
            await until_answer(lambda: _health(caller, self._url), 200)
        return self._url


@contextmanager
def gateway_process(addresses: Addresses) -> Iterator[GatewayProcess]:
    """A gateway in a process of its own, killed at the end of the block at the latest."""
    port = free_port()
    names = {"NATS_URL": addresses.nats_url, "POSTGRES_URL": addresses.postgres_url, "API_PORT": str(port)}
    environment = os.environ | {f"ANTIPHON_{name}": value for name, value in names.items()}
    command = child.ending_with_parent(
        [sys.executable, "-m", "antiphon.services.gateway"], on_parent_death=signal.SIGKILL
    )
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)  # noqa: S603
    try:
        yield GatewayProcess(process, f"127.0.0.1:{port}/api")
    finally:
        process.kill()
        process.wait()


async def _health(caller: httpx.AsyncClient, url: str) -> httpx.Response:
    try:
        return await caller.get(f"http://{url}/health")
    except httpx.TransportError:
        return httpx.Response(503)


@asynccontextmanager
async def connected(url: str, path: str, **options: Any) -> AsyncIterator[ClientConnection]:
    """A connection after the handshake, made as the SDK makes it."""
    async with connect(f"ws://{url}{path}", subprotocols=[Subprotocol("prefect")], proxy=None, **options) as socket:
        await (await socket.ping())
        await socket.send('{"type": "auth", "token": null}')
        assert json.loads(await socket.recv()) == {"type": "auth_success"}
        yield socket


async def heard(socket: ClientConnection, count: int) -> list[dict[str, Any]]:
    """The next messages."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        return [json.loads(await socket.recv()) for _ in range(count)]


def happening(name: str, **fields: Any) -> dict[str, Any]:
    """An event as clients emit it."""
    resource = {"prefect.resource.id": f"a.thing.{name}"}
    occurred = datetime.now(UTC).isoformat()
    return {"occurred": occurred, "event": name, "resource": resource, "id": str(uuid4()), **fields}


async def emit(url: str, *events: dict[str, Any]) -> None:
    """Send events, and return when they are on disk."""
    async with httpx.AsyncClient() as caller:
        (await caller.post(f"http://{url}/events", json=events, timeout=60)).raise_for_status()
