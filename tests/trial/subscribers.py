"""Subscribers of all three kinds, who break off at random and go on where they were."""

from __future__ import annotations

import asyncio
import json
import random
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Final, NamedTuple

import httpx
import nats.errors
import websockets

from events.client import Client
from events.log.errors import LogUnavailableError
from events.log.port import Recorded
from tests.integration.own.served import OWN, sent

#: They leave after so many events at the most.
_MOST_AT_ONCE: Final = 400
_PAUSE_SECONDS: Final = 0.2


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
            await asyncio.wait(
                (reading, asyncio.ensure_future(self._has_all(end))), return_when=asyncio.FIRST_COMPLETED
            )
            reading.cancel()
            try:
                await reading
            except asyncio.CancelledError:
                if not end.done():
                    raise
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
        except (OSError, TimeoutError, httpx.HTTPError, websockets.WebSocketException, nats.errors.Error) as error:
            await self._after(error)
        except LogUnavailableError as error:
            await self._after(error)

    async def _after(self, error: Exception) -> None:
        assert error is not None
        await asyncio.sleep(_PAUSE_SECONDS)

    @abstractmethod
    def _changes(self, position: int) -> AsyncIterator[Seen]:
        """Everything from a position on, over a connection of its own."""


class NatsSubscriber(Subscriber):
    """By the client library."""

    def __init__(self, seed: int, nats_url: str) -> None:
        super().__init__(seed)
        self._url = nats_url

    async def _changes(self, position: int) -> AsyncIterator[Seen]:
        async with Client.connect(self._url) as client, aclosing(client.subscribe(from_position=position)) as found:
            async for item in found:
                assert isinstance(item, Recorded)
                yield Seen(item.position, item.event.TYPE, str(item.metadata.command_id))


class SseSubscriber(Subscriber):
    """By server-sent events."""

    def __init__(self, seed: int, host: str) -> None:
        super().__init__(seed)
        self._url = f"http://{host}{OWN}/stream"

    async def _changes(self, position: int) -> AsyncIterator[Seen]:
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

    async def _changes(self, position: int) -> AsyncIterator[Seen]:
        async with websockets.connect(f"{self._url}?from={position}", proxy=None, max_size=None) as socket:
            async for message in socket:
                data = json.loads(message)
                if "type" in data:
                    yield _seen(data)


def _seen(record: dict[str, object]) -> Seen:
    return Seen(int(str(record["position"])), str(record["type"]), str(record["command_id"]))
