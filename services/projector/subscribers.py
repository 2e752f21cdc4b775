"""The messages that a projector receives on core NATS while it holds the lock of its projection."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from faststream.nats import NatsBroker
from nats.aio.client import Client

Handler = Callable[..., Awaitable[Any]]


@asynccontextmanager
async def subscribed(broker: NatsBroker, client: Client, handlers: Mapping[str, Handler]) -> AsyncIterator[None]:
    """Give the messages on each subject to its handler, until the block ends."""
    subscribers = [broker.subscriber(subject, persistent=False) for subject in handlers]
    for subscriber, handler in zip(subscribers, handlers.values(), strict=True):
        subscriber(handler)
        await subscriber.start()
    try:
        yield
    finally:
        if not client.is_closed:
            for subscriber in subscribers:
                await subscriber.stop()
