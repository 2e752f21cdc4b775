"""Lets events gather between two batches, as long as nobody waits to read what they lead to (docs/adr/0015)."""

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

#: Behind a batch of so many enough waits already.
_MANY: Final = 300
#: What a reader waits longer at the most, if nobody heard that he does.
_SECONDS: Final = 0.05
#: Where somebody waited so recently the next who does is not far.
_RECENTLY_SECONDS: Final = 0.5


class BatchLinger:
    """Knows up to which position somebody waits for a projection."""

    def __init__(self, projection: str, client: Client, seconds: float = _SECONDS) -> None:
        self._projection = projection
        self._client = client
        self._seconds = seconds
        self._wanted = 0
        self._wanted_at = -math.inf
        self._told = asyncio.Event()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[BatchLinger]:
        """Listen to those who wait until the block ends."""
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
        """Give more events a moment to come, after a batch of so many that ended at this position."""
        is_read = self._wanted > position or clock.monotonic() - self._wanted_at < _RECENTLY_SECONDS
        if is_read or events >= _MANY:
            return
        self._told.clear()
        try:
            async with asyncio.timeout(self._seconds):
                # Whatever is wanted now is further on.
                await self._told.wait()
        except TimeoutError:
            return
