"""What every request needs: the command client, the read models, and how far they are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from nats.aio.client import Client as NatsClient
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from events.client import Client
from services.gateway.metrics import Metrics
from services.gateway.reached import Reached


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """The connections of a gateway; one for the whole process."""

    nats: NatsClient
    commands: Client
    pool: AsyncConnectionPool[AsyncConnection[Any]]
    events_reached: Reached
    observed_reached: Reached
    presence_reached: Reached
    deadline_seconds: float
    #: How long the reader of a stream may take nothing.
    patience_seconds: float = 30.0
    #: How long a server may take to say that it is there.
    probe_seconds: float = 2.0
    metrics: Metrics = field(default_factory=Metrics)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection[Any]]:
        """A connection to the read models, for one query or a few."""
        async with self.pool.connection(timeout=self.deadline_seconds) as connection:
            yield connection

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Listen to what the projections announce until the block ends."""
        async with AsyncExitStack() as stack:
            for reached in (self.events_reached, self.observed_reached, self.presence_reached):
                await stack.enter_async_context(reached.listening())
            yield
