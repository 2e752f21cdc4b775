"""Yields the projector's lock when a rebuild requests it (docs/adr/0007)."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

_log = structlog.get_logger(__name__)


class Handover:
    """Ends the work of a projector on request, between two batches."""

    def __init__(self, projection: str, writing: asyncio.Lock) -> None:
        self._projection = projection
        self._writing = writing
        self._requested = asyncio.Event()

    async def begin(self) -> None:
        """End the work; returns when no other batch can begin."""
        if not self._requested.is_set():
            await self._writing.acquire()
            self._requested.set()
            _log.info("yields the lock", projection=self._projection)

    async def until_requested(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this work, which holds the lock `writing` during each batch, until a handover begins."""
        working, waiting = asyncio.create_task(work), asyncio.create_task(self._requested.wait())
        try:
            await asyncio.wait((working, waiting), return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                await working
        finally:
            for task in (working, waiting):
                task.cancel()
            await asyncio.gather(working, waiting, return_exceptions=True)
            if self._requested.is_set():
                # Requests that wait for it can end.
                self._writing.release()
