"""Distributes the observations of OBSERVED to all WebSockets of this gateway; one consumer serves them all.

A slow subscriber holds up no other, and its backlog is bounded: it is cut off, and can start again where it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, TypeVar

import nats.errors
import structlog
from nats.aio.client import Client
from nats.js.errors import APIError

from antiphon.events import subjects
from antiphon.events.log.cancellation import raise_if_cancelled
from antiphon.events.log.errors import LogUnavailableError
from antiphon.events.log.nats import direct_get
from antiphon.events.log.nats.consumer import OrderedConsumer
from antiphon.events.log.nats.direct_get import DirectGet
from antiphon.events.log.nats.replies import ReplyInbox

#: The bounds of one subscriber's backlog.
_MOST_WAITING: Final = 4_096
_MOST_BYTES_WAITING: Final = 8_000_000
_PAGE: Final = 250

_log = structlog.get_logger(__name__)

T = TypeVar("T")


class CutOffError(Exception):
    """The subscriber was too slow, or the consumer ended: subscribe again."""


@dataclass(frozen=True, slots=True)
class Observation(Generic[T]):
    """One observation: the fields that filters test, and the text of its frame."""

    fields: T
    text: str


#: Decodes the body of a message; raises ValueError or TypeError for an invalid one.
Read = Callable[[bytes], Sequence[Observation[T]]]
Wanted = Callable[[T], bool]


class Backlog(Generic[T]):
    """The frames that wait for one subscriber."""

    def __init__(self, wanted: Wanted[T], after: int) -> None:
        self._wanted = wanted
        #: It gets all observations after this position.
        self.after = after
        self._waiting: list[str] = []
        self._bytes = 0
        self._arrived = asyncio.Event()
        self._ended: str | None = None

    def offer(self, observation: Observation[T]) -> None:
        """Add an observation if the subscriber wants it."""
        if self._ended is not None or not self._wanted(observation.fields):
            return
        self._waiting.append(observation.text)
        self._bytes += len(observation.text)
        if len(self._waiting) > _MOST_WAITING or self._bytes > _MOST_BYTES_WAITING:
            self.end("reads too slowly")
        self._arrived.set()

    def end(self, why: str) -> None:
        """Drop all frames; from now on `take` raises."""
        self._ended = why
        self._waiting.clear()
        self._arrived.set()

    async def take(self) -> list[str]:
        """All frames that have arrived, at least one; raises CutOffError."""
        await self._arrived.wait()
        if self._ended is not None:
            raise CutOffError(self._ended)
        self._arrived.clear()
        taken, self._waiting, self._bytes = self._waiting, [], 0
        return taken


class ObservationFanout(Generic[T]):
    """The observations of some kinds, live and stored."""

    def __init__(self, client: Client, kinds: Sequence[str], read: Read[T]) -> None:
        self._client = client
        self._kinds = frozenset(kinds)
        self._subjects = [f"obs.{kind}.*" for kind in kinds]
        self._read = read
        self._stored = DirectGet(client, subjects.OBSERVED, ReplyInbox(client))
        self._backlogs: set[Backlog[T]] = set()
        self._changing = asyncio.Lock()
        self._following: asyncio.Task[None] | None = None
        self._position = 0

    @asynccontextmanager
    async def subscribed(self, wanted: Wanted[T]) -> AsyncIterator[Backlog[T]]:
        """A backlog that is filled until the block ends; raises LogUnavailableError."""
        async with self._changing:
            if self._following is None:
                self._position = await self._end()
                raise_if_cancelled()
                self._following = asyncio.create_task(self._follow())
            backlog = Backlog(wanted, self._position)
            self._backlogs.add(backlog)
        try:
            yield backlog
        finally:
            self._backlogs.discard(backlog)
            async with self._changing:
                await self._stop_if_unused()

    async def stored(
        self, wanted: Wanted[T], *, since: datetime | None = None, after: int = 0, until: int | None = None
    ) -> AsyncIterator[tuple[int, list[str]]]:
        """The frames stored since a moment or after a position, in pages, each with the last position that it covers.

        They end at the position `until`, or at the end of the stream. A page is read when the caller takes it. Raises
        LogUnavailableError.
        """
        start: dict[str, object] = {"seq": after + 1} if since is None else {"start_time": since.isoformat()}
        is_last = False
        while not is_last:
            page, is_last = await self._stored.page(start | {"next_by_subj": "obs.>", "batch": _PAGE})
            texts: list[str] = []
            for message in page:
                if until is not None and direct_get.sequence(message) > until:
                    is_last = True
                    break
                if direct_get.subject(message).split(".")[1] in self._kinds:
                    texts += [
                        observation.text
                        for observation in self._observations(message.data)
                        if wanted(observation.fields)
                    ]
            if not page:
                return
            last = direct_get.sequence(page[-1])
            yield last, texts
            start = {"seq": last + 1}

    async def _end(self) -> int:
        try:
            return (await self._client.jetstream().stream_info(subjects.OBSERVED)).state.last_seq
        except (TimeoutError, nats.errors.Error, APIError) as error:
            raise LogUnavailableError(f"{subjects.OBSERVED} did not say where it ends: {error!r}") from error

    async def _stop_if_unused(self) -> None:
        if self._following is not None and not self._backlogs:
            self._following.cancel()
            await asyncio.wait({self._following})
            self._following = None

    async def _follow(self) -> None:
        consumer = OrderedConsumer(self._client, subjects.OBSERVED, after=self._position, subjects=self._subjects)
        try:
            async for batch in consumer.batches():
                for delivered in batch:
                    for observation in self._observations(delivered.data):
                        for backlog in self._backlogs:
                            backlog.offer(observation)
                    self._position = delivered.position
        finally:
            for backlog in self._backlogs:
                backlog.end("the stream of observations ended")
            await consumer.close()

    def _observations(self, body: bytes) -> Sequence[Observation[T]]:
        try:
            return self._read(body)
        except (ValueError, TypeError) as error:
            # The projection or the recorder parks it.
            _log.warning("observation not shown", error=repr(error))
            return ()
