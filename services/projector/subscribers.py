"""The messages that a projector receives on core NATS while it holds the lock of its projection."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from faststream.nats import NatsBroker
from faststream.nats.subscriber.usecases import LogicSubscriber
from nats.aio.client import Client

from antiphon.events import subjects
from antiphon.events.projection_messages import Hurry, Unpark, Unparked
from antiphon.services.projector.batch_linger import BatchLinger
from antiphon.services.projector.handover import Handover
from antiphon.services.projector.unparking import Unparking


@asynccontextmanager
async def subscribed(client: Client, *subscribers: LogicSubscriber[Any]) -> AsyncIterator[None]:
    """Receive messages until the block ends."""
    for subscriber in subscribers:
        await subscriber.start()
    try:
        yield
    finally:
        if not client.is_closed:
            for subscriber in subscribers:
                await subscriber.stop()


def on_hurry(broker: NatsBroker, projection: str, linger: BatchLinger) -> LogicSubscriber[Any]:
    """Readers wait for a position."""
    subscriber = broker.subscriber(subjects.projection_hurry(projection), no_reply=True, persistent=False)

    @subscriber
    async def hurry(message: Hurry) -> None:
        linger.hurry(message.position)

    return subscriber


def on_unpark(broker: NatsBroker, projection: str, unparking: Unparking) -> LogicSubscriber[Any]:
    """An operator replays a parked event."""
    subscriber = broker.subscriber(subjects.projection_unpark(projection), persistent=False)

    @subscriber
    async def unpark(message: Unpark) -> Unparked:
        return await unparking.unpark(message.event_stream)

    return subscriber


def on_yield(broker: NatsBroker, projection: str, handover: Handover) -> LogicSubscriber[Any]:
    """A rebuild requests the lock."""
    subscriber = broker.subscriber(subjects.projection_yield(projection), persistent=False)

    @subscriber
    async def release() -> None:
        await handover.begin()

    return subscriber
