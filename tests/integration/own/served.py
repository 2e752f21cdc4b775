"""A gateway behind a real socket, for what streams; and a client that reads server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import httpx

from antiphon.services.gateway import main
from antiphon.services.gateway.app import build
from antiphon.services.runtime.settings import Settings
from tests.acceptance.server import free_port
from tests.integration.gateway.house import DEADLINE_SECONDS, Addresses

OWN: Final = "/antiphon/v1"


@dataclass(frozen=True)
class Served:
    """A gateway and a client of it."""

    http: httpx.AsyncClient
    port: int
    #: The server; cancelled as by SIGTERM.
    server: asyncio.Task[None]

    @property
    def websocket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}{OWN}/stream"


@dataclass(frozen=True)
class Sent:
    """A server-sent event; `name` is empty where only an id was sent."""

    id: str
    name: str
    data: Any


@asynccontextmanager
async def serving(addresses: Addresses, port: int | None = None, **more: Any) -> AsyncIterator[Served]:
    """Serve until the block ends, on a free port if none is given, by a gateway with these settings of its own."""
    port = port or free_port()
    settings = Settings(nats_url=addresses.nats_url, postgres_url=addresses.postgres_url, api_port=port)
    async with addresses.standing(settings, **more) as gateway:
        serving = asyncio.create_task(main._serve(gateway, build(gateway), settings))
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=DEADLINE_SECONDS) as http:
                await _until_up(http)
                yield Served(http, port, serving)
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)


async def _until_up(http: httpx.AsyncClient) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            try:
                await http.get("/api/health")
            except httpx.ConnectError:
                await asyncio.sleep(0.02)
            else:
                return


async def sent(response: httpx.Response) -> AsyncIterator[Sent]:
    """The events of a response, as they arrive."""
    fields: dict[str, str] = {}
    async for line in response.aiter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif fields:
            data = fields.get("data")
            if "id" in fields or data is not None:
                yield Sent(fields.get("id", ""), fields.get("event", ""), None if data is None else json.loads(data))
            fields = {}


async def take(
    http: httpx.AsyncClient, count: int, start: int | str = 1, *, after: int | None = None, **query: Any
) -> list[Sent]:
    """So many events of a stream, which is left then; the opening one is left out."""
    found: list[Sent] = []
    headers = None if after is None else {"Last-Event-ID": str(after)}
    async with asyncio.timeout(DEADLINE_SECONDS):
        async with http.stream("GET", f"{OWN}/stream", params={"from": start, **query}, headers=headers) as response:
            assert response.status_code == 200, await response.aread()
            async for event in sent(response):
                found += [event] if event.name else []
                if len(found) == count:
                    return found
    raise AssertionError(f"the stream ended after {len(found)} events")
