"""One inbox for all replies that a process waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from types import MappingProxyType
from typing import Final

from nats.aio.client import Client

from antiphon.events.log.errors import LogUnavailableError
from antiphon.events.log.nats.connection import publish, subscriber_of
from antiphon.events.log.nats.delivered import Received

NO_RESPONDERS = "503"
_NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


class ReplyInbox:
    """Makes reply subjects, and passes the messages on each to its receiver.

    nats-py's own `request` takes a single reply, and makes a new subscription for anything else.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._prefix = client.new_inbox()
        self._receivers: dict[str, Callable[[Received], None]] = {}
        self._numbers = count(1)
        self._subscribing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Subscribe, once; after a failure the next call tries again."""
        done = self._subscribing is not None and self._subscribing.done()
        if self._subscribing is None or (done and (self._subscribing.cancelled() or self._subscribing.exception())):
            self._subscribing = asyncio.create_task(self._subscribe())
        await asyncio.shield(self._subscribing)

    async def _subscribe(self) -> None:
        await subscriber_of(self._client).subscribe(f"{self._prefix}.*", self._deliver)
        await self._client.flush()

    def _deliver(self, messages: Sequence[Received]) -> None:
        for message in messages:
            receiver = self._receivers.get(message.subject)
            if receiver is not None:
                receiver(message)

    def register(self, receiver: Callable[[Received], None]) -> str:
        """Make a reply subject; everything that arrives on it goes to `receiver`."""
        subject = f"{self._prefix}.{next(self._numbers)}"
        self._receivers[subject] = receiver
        return subject

    def forget(self, subject: str) -> None:
        """Ignore a reply subject from now on."""
        self._receivers.pop(subject, None)

    async def request(
        self, subject: str, headers: Mapping[str, str] = _NO_HEADERS, data: bytes = b"", *, until: float
    ) -> Received:
        """Publish a message, and wait for its first reply.

        Raises LogUnavailableError if there is no subscriber, TimeoutError if there is no reply by the time `until`, on
        the clock of the event loop.
        """
        reply, answer = self.expect()
        try:
            async with asyncio.timeout_at(until):
                await self.open()
                await publish(self._client, [(subject, headers, data)], reply)
                return await answer
        finally:
            self.forget(reply)

    def expect(self) -> tuple[str, asyncio.Future[Received]]:
        """Make a reply subject and the future of its first reply; `forget` it afterwards."""
        future: asyncio.Future[Received] = asyncio.get_running_loop().create_future()
        return self.register(lambda message: _resolve(future, message)), future


def _resolve(future: asyncio.Future[Received], message: Received) -> None:
    if future.done():
        return
    if message.headers.get("Status") == NO_RESPONDERS:
        future.set_exception(LogUnavailableError("there is no subscriber"))
    else:
        future.set_result(message)
