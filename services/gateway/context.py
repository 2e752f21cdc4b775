"""The gateway that answers a request: its connections, and its limits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from nats.aio.client import Client as NatsClient
from psycopg import AsyncConnection
from starlette.requests import HTTPConnection

from antiphon.events.client.client import Client
from antiphon.events.log.nats.jetstream import JetStreamLog
from antiphon.services.gateway.consistency.as_of_session import AsOfReads
from antiphon.services.gateway.consistency.read_models import ReadModels
from antiphon.services.gateway.metrics import Metrics
from antiphon.services.runtime import clock
from antiphon.services.runtime.ids import uuid7
from antiphon.services.runtime.settings import Settings

#: How long a request waits for its decision, and for the read models to show it.
DEADLINE_SECONDS: Final = 20.0
_MOST_AS_OF_EVENTS: Final = 100_000

#: A block with a connection to the read models.
Reading = AbstractAsyncContextManager[AsyncConnection[Any]]


@dataclass(slots=True, kw_only=True)
class Gateway:
    """One for the whole process."""

    nats: NatsClient
    commands: Client
    read_models: ReadModels
    as_of: AsOfReads
    metrics: Metrics
    deadline_seconds: float
    #: How long a subscriber may take nothing before it is cut off.
    patience_seconds: float = 30.0
    #: How long a health check waits for a server.
    probe_seconds: float = 2.0
    #: Set when the gateway takes no more requests, so that open streams end.
    stopping: asyncio.Event = field(init=False, default_factory=asyncio.Event)


#: Where the scope of a request or a WebSocket has the gateway.
SCOPE_KEY: Final = "antiphon.gateway"


def gateway_of(connection: HTTPConnection) -> Gateway:
    """The gateway that answers a request or serves a WebSocket."""
    found: Gateway = connection.scope[SCOPE_KEY]
    return found


def reading(request: HTTPConnection, after: int | None = None) -> Reading:
    """See ReadModels.reading."""
    return gateway_of(request).read_models.reading(after)


def reading_as_of(request: HTTPConnection, as_of: str | None) -> Reading:
    """The same, as of a position or a time; None means now."""
    return reading(request) if as_of is None else gateway_of(request).as_of.reading(as_of)


@asynccontextmanager
async def connected(
    nats: NatsClient,
    settings: Settings,
    *,
    deadline_seconds: float = DEADLINE_SECONDS,
    most_as_of_events: int = _MOST_AS_OF_EVENTS,
    **limits: float,
) -> AsyncIterator[Gateway]:
    """A gateway that holds its connections to PostgreSQL until the block ends."""
    metrics = Metrics()
    commands = Client(nats, timeout_seconds=deadline_seconds, clock=clock.now, new_id=uuid7)
    read_models = ReadModels(nats, settings, commands.last_position, metrics, deadline_seconds=deadline_seconds)
    as_of = AsOfReads(
        JetStreamLog(nats),
        commands,
        settings.postgres_url,
        deadline_seconds=deadline_seconds,
        most_events=most_as_of_events,
    )
    async with read_models.connected(), as_of.kept():
        yield Gateway(
            nats=nats,
            commands=commands,
            read_models=read_models,
            as_of=as_of,
            metrics=metrics,
            deadline_seconds=deadline_seconds,
            **limits,
        )
