"""Subscribers of all three kinds, who break off at random and go on where they were."""

from __future__ import annotations

import asyncio
import json
import random
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final, NamedTuple

import httpx
import nats.errors
import websockets

from antiphon.events.client.client import Client
from antiphon.events.log.errors import LogUnavailableError
from antiphon.events.log.port import Recorded
from tests.integration.own.served import OWN, sent

#: They leave after so many events at the most.
_MOST_AT_ONCE: Final = 400
_PAUSE_SECONDS: Final = 0.2
#: A server is away: the next connection goes on.
_OUTAGES: Final = (
    OSError,
    httpx.HTTPError,
    websockets.WebSocketException,
    nats.errors.Error,
    LogUnavailableError,
)


class Seen(NamedTuple):
    """A change, as a subscriber saw it."""

    position: int
    type: str
    command_id: str


class Subscriber(ABC):
    """Reads everything from the first position on."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)  # noqa: S311  to be the same again
        self.seen: list[Seen] = []
        self.breaks = 0

    async def until(self, end: asyncio.Future[int]) -> None:
        """Read, break off, and go on, until everything up to the position `end` was seen."""
        while not (end.done() and len(self.seen) >= end.result()):
            reading = asyncio.create_task(self._read(self._dice.randint(1, _MOST_AT_ONCE)))
            # Once all is seen no event comes any more that would end it.
            waiting = asyncio.create_task(self._has_all(end))
            try:
                await asyncio.wait((reading, waiting), return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (reading, waiting):
                    task.cancel()
                results = await asyncio.gather(reading, waiting, return_exceptions=True)
            for result in results:
                if isinstance(result, Exception):
                    raise result
            self.breaks += 1

    async def _has_all(self, end: asyncio.Future[int]) -> None:
        last = await asyncio.shield(end)
        while len(self.seen) < last:
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _read(self, count: int) -> None:
        try:
            async with aclosing(self._changes(self.seen[-1].position + 1 if self.seen else 1)) as changes:
                async for change in changes:
                    self.seen.append(change)
                    count -= 1
                    if count == 0:
                        return
        except _OUTAGES:
            await asyncio.sleep(_PAUSE_SECONDS)

    @abstractmethod
    def _changes(self, position: int) -> AsyncGenerator[Seen, None]:
        """Everything from a position on, over a connection of its own."""


class NatsSubscriber(Subscriber):
    """By the client library."""

    def __init__(self, seed: int, nats_url: str) -> None:
        super().__init__(seed)
        self._url = nats_url

    async def _changes(self, position: int) -> AsyncGenerator[Seen, None]:
        async with Client.connect(self._url) as client:
            async for item in client.subscribe(from_position=position):
                assert isinstance(item, Recorded)
                yield Seen(item.position, item.event.TYPE, str(item.metadata.command_id))


class SseSubscriber(Subscriber):
    """By server-sent events."""

    def __init__(self, seed: int, host: str) -> None:
        super().__init__(seed)
        self._url = f"http://{host}{OWN}/stream"

    async def _changes(self, position: int) -> AsyncGenerator[Seen, None]:
        headers = {"Last-Event-ID": str(position - 1)}
        async with (
            httpx.AsyncClient(timeout=20) as http,
            http.stream("GET", self._url, params={"from": 1}, headers=headers) as answer,
        ):
            answer.raise_for_status()
            async for event in sent(answer):
                if event.name:
                    yield _seen(event.data)


class WebSocketSubscriber(Subscriber):
    """By a WebSocket."""

    def __init__(self, seed: int, host: str) -> None:
        super().__init__(seed)
        self._url = f"ws://{host}{OWN}/stream"

    async def _changes(self, position: int) -> AsyncGenerator[Seen, None]:
        url = f"{self._url}?from={position}"
        # Leaves without a long goodbye.
        async with websockets.connect(url, proxy=None, max_size=None, close_timeout=0.5) as socket:
            async for message in socket:
                record = json.loads(message).get("event")
                if record is not None:
                    yield _seen(record)


def _seen(record: dict[str, object]) -> Seen:
    return Seen(int(str(record["position"])), str(record["type"]), str(record["command_id"]))
