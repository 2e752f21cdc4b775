"""Yields the projector's lock when a rebuild requests it (docs/adr/0018)."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg

from antiphon.events import subjects

_log = structlog.get_logger(__name__)


async def run_until_yield(
    client: Client, projection: str, work: Coroutine[Any, Any, None], writing: asyncio.Lock
) -> None:
    """Run `work` until a rebuild requests the lock; `writing` ensures that it ends between two batches."""
    asked = asyncio.Event()

    async def answer(message: Msg) -> None:
        # Never released: no further batch begins.
        await writing.acquire()
        asked.set()
        _log.info("yields the lock", projection=projection)
        await message.respond(b"")

    subscription = await client.subscribe(subjects.projection_yield(projection), cb=answer)
    working, waiting = asyncio.create_task(work), asyncio.create_task(asked.wait())
    try:
        await asyncio.wait((working, waiting), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            await working
    finally:
        for task in (working, waiting):
            task.cancel()
        await asyncio.gather(working, waiting, return_exceptions=True)
        if not client.is_closed:
            await subscription.unsubscribe()
