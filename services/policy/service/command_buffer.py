"""Gathers commands into batches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final

from nats.aio.client import Client
from nats.aio.subscription import Subscription

from antiphon.events.log.nats.connection import Subscriber, subscriber_of
from antiphon.services.policy.service.command_message import CommandMessage

#: With so many commands at once, more are on their way. A larger batch makes each append cheaper.
_BUSY: Final = 4
_LINGER_SECONDS: Final = 0.001
_MOST_LINGERS: Final = 2


class CommandBuffer:
    """Commands in the order of their arrival: requests, and messages of the command queue."""

    def __init__(self) -> None:
        self._waiting: list[CommandMessage] = []
        self._arrived = asyncio.Event()
        self._listening: tuple[Subscriber, Subscription] | None = None

    async def listen(self, client: Client, subject: str, queue: str) -> None:
        """Receive requests, as a member of the queue group `queue`."""
        subscriber = subscriber_of(client)
        self._listening = subscriber, await subscriber.subscribe(subject, self.take, queue=queue)

    async def close(self) -> None:
        """Receive no more requests."""
        if self._listening is not None:
            subscriber, subscription = self._listening
            await subscriber.unsubscribe(subscription)

    def take(self, messages: Sequence[CommandMessage]) -> None:
        """Add commands, in order."""
        self._waiting.extend(messages)
        self._arrived.set()

    async def batches(self) -> AsyncIterator[list[CommandMessage]]:
        """Batches of all the commands that wait, at least one.

        A lone command is handed out at once. Under load the next batch gets a moment to grow: its append, its
        projection and its announcement then serve more commands.
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
        """Wait while more commands arrive, for a few milliseconds at most."""
        for _ in range(_MOST_LINGERS):
            before = len(self._waiting)
            await asyncio.sleep(_LINGER_SECONDS)
            if len(self._waiting) == before:
                return
