"""Pauses between two batches while no reader waits: larger batches cost less (docs/adr/0004)."""

from __future__ import annotations

import asyncio
import math
from typing import Final

from antiphon.events.projection_messages import Hurry
from antiphon.services.runtime import clock

#: After a batch of this size the next one is large enough.
_MANY: Final = 500
#: The longest pause, which a reader waits if its request was lost.
_SECONDS: Final = 0.2
#: After a reader waited, no pause for this time: the next reader comes soon.
_RECENTLY_SECONDS: Final = 0.5


class BatchLinger:
    """Knows the highest position that a reader waits for."""

    def __init__(self, seconds: float = _SECONDS, recently_seconds: float = _RECENTLY_SECONDS) -> None:
        self._seconds = seconds
        self._recently_seconds = recently_seconds
        self._wanted = 0
        self._wanted_at = -math.inf
        self._hurried = asyncio.Event()

    async def hurry(self, message: Hurry) -> None:
        """A reader waits for a position."""
        self._wanted = max(self._wanted, message.position)
        self._wanted_at = clock.monotonic()
        self._hurried.set()

    async def wait(self, events: int, position: int) -> None:
        """Pause after a batch of this size that ended at this position."""
        is_read = self._wanted > position or clock.monotonic() - self._wanted_at < self._recently_seconds
        if is_read or events >= _MANY:
            return
        self._hurried.clear()
        try:
            async with asyncio.timeout(self._seconds):
                # Every request from now on is for a later position.
                await self._hurried.wait()
        except TimeoutError:
            return
