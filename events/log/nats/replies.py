"""One inbox for all the replies a process waits for, also requests that get several."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from types import MappingProxyType
from typing import Final

from nats.aio.client import Client
from nats.aio.msg import Msg

from antiphon.events.log.errors import LogUnavailableError
from antiphon.events.log.nats import bulk_parser
from antiphon.events.log.nats.raw_publish import publish

NO_RESPONDERS = "503"
_NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


class ReplyInbox:
    """Hands out reply subjects, and gives what arrives on each to whoever waits there.

    nats-py's own `request` takes a single reply, and makes a subscription anew for anything else.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._prefix = client.new_inbox()
        self._receivers: dict[str, Callable[[Msg], None]] = {}
        self._numbers = count(1)
        self._subscribing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Subscribe, once; callers that come meanwhile wait for it, and one that fails is tried again by the next."""
        done = self._subscribing is not None and self._subscribing.done()
        if self._subscribing is None or (done and (self._subscribing.cancelled() or self._subscribing.exception())):
            self._subscribing = asyncio.create_task(self._subscribe())
        await asyncio.shield(self._subscribing)

    async def _subscribe(self) -> None:
        subscription = await self._client.subscribe(f"{self._prefix}.*", cb=self._deliver_one)
        bulk_parser.receive(self._client, subscription, self._deliver, answers=True)
        await self._client.flush()

    async def _deliver_one(self, message: Msg) -> None:
        receiver = self._receivers.get(message.subject)
        if receiver is not None:
            receiver(message)

    def _deliver(self, frames: Sequence[bulk_parser.Frame]) -> None:
        for subject, _, _, data in frames:
            receiver = self._receivers.get(subject)
            if receiver is not None:
                receiver(Msg(self._client, subject=subject, data=data))

    def register(self, receiver: Callable[[Msg], None]) -> str:
        """A fresh reply subject; everything that arrives on it goes to `receiver`."""
        subject = f"{self._prefix}.{next(self._numbers)}"
        self._receivers[subject] = receiver
        return subject

    def forget(self, subject: str) -> None:
        """No longer listen on a reply subject."""
        self._receivers.pop(subject, None)

    async def request(
        self, subject: str, headers: Mapping[str, str] = _NO_HEADERS, data: bytes = b"", *, until: float
    ) -> Msg:
        """Publish a message, and wait for its first reply.

        Raises LogUnavailableError where nobody listens, TimeoutError when there is none by the time `until`, by the
        clock of the event loop.
        """
        reply, answer = self.expect()
        try:
            async with asyncio.timeout_at(until):
                await self.open()
                await publish(self._client, [(subject, headers, data)], reply)
                return await answer
        finally:
            self.forget(reply)

    def expect(self) -> tuple[str, asyncio.Future[Msg]]:
        """A fresh reply subject and the future of its first reply; `forget` it afterwards."""
        future: asyncio.Future[Msg] = asyncio.get_running_loop().create_future()
        return self.register(lambda message: _resolve(future, message)), future


def _resolve(future: asyncio.Future[Msg], message: Msg) -> None:
    if future.done():
        return
    if message.headers and message.headers.get("Status") == NO_RESPONDERS:
        future.set_exception(LogUnavailableError("nobody listens on this subject"))
    else:
        future.set_result(message)
