"""Pauses between two batches while no reader waits: larger batches cost less (docs/adr/0015)."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from nats.aio.client import Client
from nats.aio.msg import Msg

from antiphon.events import subjects
from antiphon.services.runtime import clock

#: After a batch of this size the next one is large enough.
_MANY: Final = 300
#: The longest pause, which a reader waits if its request was lost.
_SECONDS: Final = 0.05
#: After a reader waited, no pause for this time: the next reader comes soon.
_RECENTLY_SECONDS: Final = 0.5


class BatchLinger:
    """Knows the highest position that a reader waits for."""

    def __init__(self, projection: str, client: Client, seconds: float = _SECONDS) -> None:
        self._projection = projection
        self._client = client
        self._seconds = seconds
        self._wanted = 0
        self._wanted_at = -math.inf
        self._told = asyncio.Event()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[BatchLinger]:
        """Receive the requests of waiting readers until the block ends."""
        subscription = await self._client.subscribe(subjects.projection_hurry(self._projection), cb=self._want)
        try:
            yield self
        finally:
            if not self._client.is_closed:
                await subscription.unsubscribe()

    async def _want(self, message: Msg) -> None:
        self._wanted = max(self._wanted, int(message.data))
        self._wanted_at = clock.monotonic()
        self._told.set()

    async def after(self, events: int, position: int) -> None:
        """Pause after a batch of this size that ended at this position."""
        is_read = self._wanted > position or clock.monotonic() - self._wanted_at < _RECENTLY_SECONDS
        if is_read or events >= _MANY:
            return
        self._told.clear()
        try:
            async with asyncio.timeout(self._seconds):
                # Every request from now on is for a later position.
                await self._told.wait()
        except TimeoutError:
            return
