"""The command queue: commands whose senders do not wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from heapq import heappop, heappush
from typing import Final

import nats.errors
import structlog
from nats.aio.client import Client
from nats.js.errors import APIError

from antiphon.events import subjects
from antiphon.events.log.cancellation import raise_if_cancelled
from antiphon.events.log.nats.consumer import OrderedConsumer
from antiphon.events.log.nats.delivered import Delivered

DURABLE: Final = "policy-decide-v1"
#: Up to this number single acknowledgements are cheaper.
_FEW: Final = 6
#: A purge costs much the same for one message and for thousands.
_BETWEEN_PURGES_SECONDS: Final = 0.2
_RETRY_SECONDS: Final = 0.5

_log = structlog.get_logger(__name__)


class CommandQueue:
    """The stream COMMANDS: commands in order, from the oldest one that is left.

    nats-server removes each acknowledged message of a work queue with a disk sync of its own, a sixth of all work for a
    published command. Under load decided commands are therefore purged together (docs/adr/0002).
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._consumer = OrderedConsumer(client, subjects.COMMANDS, durable=DURABLE)
        self._floor = AckFloor()
        #: Undecided commands: reply subject -> position.
        self._handed_out: dict[str, int] = {}
        #: Decided commands that are still in the queue: position -> reply subject.
        self._decided: dict[int, str] = {}
        self._grown = asyncio.Event()

    async def batches(self) -> AsyncIterator[Sequence[Delivered]]:
        """Commands in order, at least one. Undecided commands come again after a lost connection."""
        async for batch in self._consumer.batches():
            for item in batch:
                self._floor.take(item.position)
                self._handed_out[item.reply] = item.position
            yield batch

    def decided(self, message: Delivered) -> None:
        """Remove a command from the queue soon: it is decided, and its sender has the answer."""
        position = self._handed_out.pop(message.reply)
        self._floor.finish(position)
        self._decided[position] = message.reply
        self._grown.set()

    async def clear(self) -> None:
        """Remove decided commands from the queue, for ever."""
        while True:
            raise_if_cancelled()
            await self._grown.wait()
            self._grown.clear()
            try:
                await self._take_off()
            except (TimeoutError, nats.errors.Error, APIError, OSError) as error:
                _log.warning("decided commands are still queued", error=repr(error))
                await asyncio.sleep(_RETRY_SECONDS)
                self._grown.set()

    async def _take_off(self) -> None:
        if len(self._decided) <= _FEW:
            while self._decided:
                position, reply = next(iter(self._decided.items()))
                await self._client.publish(reply, b"+ACK")
                self._decided.pop(position, None)
            return
        end = self._floor.position
        await self._client.jetstream().purge_stream(subjects.COMMANDS, seq=end + 1)
        for position in [position for position in self._decided if position <= end]:
            del self._decided[position]
        await asyncio.sleep(_BETWEEN_PURGES_SECONDS)

    async def close(self) -> None:
        """Stop reading; the consumer stays for the next process."""
        await self._consumer.close()


class AckFloor:
    """The position up to which all messages are finished, in whatever order they finish."""

    def __init__(self) -> None:
        self._open: list[int] = []
        self._finished: set[int] = set()
        self._last = 0

    def take(self, position: int) -> None:
        """A message is handed out, perhaps again."""
        self._last = max(self._last, position)
        heappush(self._open, position)

    def finish(self, position: int) -> None:
        """A message is finished."""
        self._finished.add(position)
        while self._open and self._open[0] in self._finished:
            first = heappop(self._open)
            if not self._open or self._open[0] != first:
                self._finished.discard(first)

    @property
    def position(self) -> int:
        """All messages that were handed out, up to this position, are finished."""
        return self._open[0] - 1 if self._open else self._last
