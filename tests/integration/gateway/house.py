"""A gateway in this event loop, spoken to over HTTP without a socket, and the roles behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import httpx
import nats

from antiphon.events.log.nats.provision import provision
from antiphon.services.gateway.app import build
from antiphon.services.gateway.context import Gateway, connected
from antiphon.services.runtime.nats import application
from antiphon.services.runtime.settings import Settings
from tests.integration import in_process

DEADLINE_SECONDS: Final = 20.0
RUNNING: Final = {"state": {"type": "RUNNING"}}


@dataclass(frozen=True)
class Addresses:
    """Where the servers of a test are."""

    nats_url: str
    postgres_url: str

    @property
    def settings(self) -> Settings:
        return Settings(nats_url=self.nats_url, postgres_url=self.postgres_url)

    async def prepare(self) -> None:
        """Make the streams; the database has its tables already."""
        connection = await nats.connect(self.nats_url)
        await provision(connection)
        await connection.close()

    @asynccontextmanager
    async def running(self, *roles: Callable[[Settings], Awaitable[None]]) -> AsyncIterator[None]:
        """Run roles until the block ends; one that ends by itself fails the test."""
        async with in_process.running(self.settings, *roles):
            yield

    @asynccontextmanager
    async def gateway(
        self, deadline_seconds: float = DEADLINE_SECONDS, **settings: Any
    ) -> AsyncIterator[httpx.AsyncClient]:
        """A client of a gateway that waits so long for decisions and for their effects."""
        changed = self.settings.model_copy(update=settings)
        async with self.standing(changed, deadline_seconds=deadline_seconds) as gateway:
            transport = httpx.ASGITransport(build(gateway), raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://gateway/api") as caller:
                yield caller

    @asynccontextmanager
    async def standing(
        self, settings: Settings, *, deadline_seconds: float = DEADLINE_SECONDS, **more: Any
    ) -> AsyncIterator[Gateway]:
        """A gateway with its connections, which listens to announcements."""
        async with (
            application(settings, "gateway") as (_, _, client),
            connected(client, settings, deadline_seconds=deadline_seconds, **more) as gateway,
        ):
            yield gateway


async def new_run(caller: httpx.AsyncClient, **fields: Any) -> str:
    """The id of a new pending run of a flow."""
    flow = await caller.post("/flows/", json={"name": "flow"})
    body = {"flow_id": flow.json()["id"], "state": {"type": "PENDING"}, **fields}
    created = await caller.post("/flow_runs/", json=body)
    assert created.status_code in {200, 201}, created.text
    return str(created.json()["id"])


async def states(caller: httpx.AsyncClient, run_id: str) -> list[str]:
    """The types of the states a run has been in."""
    found = await caller.get("/flow_run_states/", params={"flow_run_id": run_id})
    return [item["type"] for item in found.json()]


async def until_answer(ask: Callable[[], Awaitable[httpx.Response]], status: int) -> httpx.Response:
    """Ask again until the answer has this status."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while (answer := await ask()).status_code != status:
            await asyncio.sleep(0.05)
    return answer


def fresh_key() -> dict[str, str]:
    """A header that makes a request repeatable."""
    return {"Idempotency-Key": str(uuid4())}
