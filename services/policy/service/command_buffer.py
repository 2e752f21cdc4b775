"""Gathers the commands that wait to be decided into batches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final

from nats.aio.client import Client
from nats.aio.subscription import Subscription

from antiphon.events.log.nats.connection import Subscriber, subscriber_of
from antiphon.services.policy.service.command_message import CommandMessage

#: From so many commands at once on, more are on their way: waiting for them makes every append cheaper.
_BUSY: Final = 4
_LINGER_SECONDS: Final = 0.001
_MOST_LINGERS: Final = 2


class CommandBuffer:
    """Commands in the order they arrived, from wherever they came."""

    def __init__(self) -> None:
        self._waiting: list[CommandMessage] = []
        self._arrived = asyncio.Event()
        self._listening: tuple[Subscriber, Subscription] | None = None

    async def listen(self, client: Client, subject: str, queue: str) -> None:
        """Take the commands whose senders wait, as one of the `queue`."""
        subscriber = subscriber_of(client)
        self._listening = subscriber, await subscriber.subscribe(subject, self.take, queue=queue)

    async def close(self) -> None:
        """Listen no more."""
        if self._listening is not None:
            subscriber, subscription = self._listening
            await subscriber.unsubscribe(subscription)

    def take(self, messages: Sequence[CommandMessage]) -> None:
        """Commands, in order."""
        self._waiting.extend(messages)
        self._arrived.set()

    async def batches(self) -> AsyncIterator[list[CommandMessage]]:
        """Everything that waits, at least one command, again and again.

        A lone command is handed out at once. Under load the next batch is given a moment to grow: the
        append, the projection and the announcement then serve more commands for the same price.
        """
        last = 0
        while True:
            await self._arrived.wait()
            if max(last, len(self._waiting)) >= _BUSY:
                await self._linger()
            self._arrived.clear()
            batch, self._waiting = self._waiting, []
            last = len(batch)
            if batch:
                yield batch

    async def _linger(self) -> None:
        """Wait as long as more keep coming, but not for long."""
        for _ in range(_MOST_LINGERS):
            before = len(self._waiting)
            await asyncio.sleep(_LINGER_SECONDS)
            if len(self._waiting) == before:
                return
