"""Roles in the event loop of a test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from antiphon.services.runtime.settings import Settings

#: For roles that need no database.
NO_POSTGRES = "postgresql://127.0.0.1:1/nothing"


@asynccontextmanager
async def running(settings: Settings, *roles: Callable[[Settings], Awaitable[None]]) -> AsyncIterator[None]:
    """Run roles until the block ends; one that ends by itself fails the test."""
    tasks = [asyncio.ensure_future(role(settings)) for role in roles]
    try:
        yield
    finally:
        waiting = set(tasks)
        while waiting:
            # More than once: Python 3.11's asyncio.wait_for, which nats-py connects with, can lose a cancellation.
            for task in waiting:
                task.cancel()
            _, waiting = await asyncio.wait(waiting, timeout=1)
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            assert isinstance(result, asyncio.CancelledError), result
