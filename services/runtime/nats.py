"""The connection of a process to NATS: a FastStream application around one broker."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

import nats
import nats.errors
import nats.js.errors
import structlog
from faststream import FastStream
from faststream.nats import NatsBroker, NatsRouter
from nats.aio.client import Client
from nats.errors import ConnectionClosedError, ConnectionReconnectingError
from nats.js.api import StreamState

from antiphon.events.log.cancellation import raise_if_cancelled
from antiphon.events.log.nats.connection import addresses, close
from antiphon.events.log.nats.raw_connection import use_raw_connection
from antiphon.services.runtime.settings import Settings

_RECONNECT_WAIT_SECONDS: Final = 0.25
#: Two unanswered pings mean a lost connection.
_PING_INTERVAL_SECONDS: Final = 10
_DRAIN_SECONDS: Final = 5
_BRIEF_SECONDS: Final = 5

log = structlog.get_logger(__name__)


class Application(NamedTuple):
    """A started FastStream application, its broker, and the nats-py client of that broker."""

    app: FastStream
    broker: NatsBroker
    client: Client


@asynccontextmanager
async def application(
    settings: Settings, name: str, *, routers: Sequence[NatsRouter] = ()
) -> AsyncIterator[Application]:
    """Connect the role `name` to NATS until the block ends; wait without end for a server."""
    stopping = _Stopping()
    broker = connect(settings, name, routers=routers, stopping=stopping)
    app = FastStream(broker, logger=None)
    client = await broker.connect()
    use_raw_connection(client)
    try:
        await app.start()
        raise_if_cancelled()
        _announce(settings)
        yield Application(app, broker, client)
    finally:
        stopping.begin()
        await _stop(app, client)


def connect(
    settings: Settings, name: str, *, routers: Sequence[NatsRouter] = (), stopping: _Stopping | None = None
) -> NatsBroker:
    """Build the broker of a process; `await broker.connect()` connects it and returns the nats-py client."""
    ending = stopping or _Stopping()

    async def disconnected() -> None:
        if not ending.begun:
            log.warning("disconnected from NATS")

    async def reconnected() -> None:
        log.warning("reconnected to NATS")

    async def closed() -> None:
        if ending.begun:
            return
        # Loops that pull from a closed connection starve the event loop: an exception would not get through.
        log.critical("the connection to NATS is closed for good; ending the process")
        os._exit(1)

    return NatsBroker(
        addresses(settings.nats_url),
        name=f"antiphon-{name}",
        max_reconnect_attempts=-1,
        reconnect_time_wait=_RECONNECT_WAIT_SECONDS,  # type: ignore[arg-type]  # nats-py takes fractions
        ping_interval=_PING_INTERVAL_SECONDS,
        drain_timeout=_DRAIN_SECONDS,
        disconnected_cb=disconnected,
        reconnected_cb=reconnected,
        closed_cb=closed,
        routers=routers,
        logger=_broker_log(),
    )


class _Stopping:
    """Whether the process itself is ending its connection."""

    def __init__(self) -> None:
        self.begun = False

    def begin(self) -> None:
        self.begun = True


def _announce(settings: Settings) -> None:
    if settings.ready_fd is not None:
        os.write(settings.ready_fd, b"ready")
        os.close(settings.ready_fd)


def _broker_log() -> logging.Logger:
    # FastStream logs every subscription and failed attempt; the callbacks log lost and regained connections.
    logger = logging.getLogger(f"{__name__}.broker")
    logger.setLevel(logging.ERROR)
    return logger


async def _stop(app: FastStream, client: Client) -> None:
    try:
        await app.stop()
    except (ConnectionReconnectingError, ConnectionClosedError, OSError):
        # Without a server there is nothing to drain; OSError: nats-py has not noticed yet that its socket is gone.
        await close(client)


class NatsUnusableError(Exception):
    """A NATS server cannot be reached, or refuses a request."""


@asynccontextmanager
async def brief_connection(url: str) -> AsyncIterator[Client]:
    """Connect for a few requests, with a time-out; raises NatsUnusableError for every failure."""
    reasons: list[Exception] = []

    async def remember(error: Exception) -> None:
        reasons.append(error)

    try:
        async with asyncio.timeout(_BRIEF_SECONDS):
            client = await nats.connect(
                addresses(url),
                allow_reconnect=False,
                max_reconnect_attempts=1,
                reconnect_time_wait=0,
                error_cb=remember,
            )
    except (nats.errors.Error, OSError, TimeoutError, ValueError) as error:
        raise NatsUnusableError(_reason(reasons[0] if reasons else error)) from error
    try:
        yield client
    except nats.js.errors.ServiceUnavailableError as error:
        raise NatsUnusableError("it answers, but JetStream does not: it may be off, or without a leader") from error
    except (nats.errors.Error, TimeoutError) as error:
        raise NatsUnusableError(str(error) or "it does not answer in time") from error
    finally:
        await close(client)


def _reason(error: Exception) -> str:
    """A reason in words: asyncio's messages have numbers and tuples."""
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return getattr(error, "strerror", None) or str(error) or "no server answers"


async def stream_states(client: Client, names: Sequence[str]) -> dict[str, StreamState]:
    """The sizes and last sequences of streams; raises nats-py's errors."""
    return {name: (await client.jetstream().stream_info(name)).state for name in names}


def missing(state: StreamState) -> str | None:
    """Why a log is not whole; None if it has every message from the first position on."""
    if state.messages == state.last_seq:
        return None
    return f"the log has {state.messages} of {state.last_seq} messages, the first at position {state.first_seq}"
