"""Holds the lock of a projection in place of the projector (docs/adr/0007)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from psycopg import AsyncConnection

from antiphon.events.log.cancellation import raise_if_cancelled
from antiphon.projections.engine.writer import acquire_lock, release_lock

#: Asks the holder to release the lock.
RequestHandover = Callable[[], Awaitable[None]]

#: The former holder may have acquired the lock again before this session waited for it.
_REPEAT_SECONDS: Final = 0.5


async def no_holder() -> None:
    """A `RequestHandover` for when no projector runs, or one that ends by itself."""


@asynccontextmanager
async def hold_lock(
    connection: AsyncConnection[Any], name: str, request_handover: RequestHandover
) -> AsyncIterator[None]:
    """Nothing else writes the projection until the block ends; readers of later events wait."""
    async with asyncio.TaskGroup() as tasks:
        asking = tasks.create_task(_repeat_request(request_handover))
        await acquire_lock(connection, name)
        asking.cancel()
    yield
    await release_lock(connection, name)


async def _repeat_request(request_handover: RequestHandover) -> None:
    while True:
        await request_handover()
        # Without this a rebuild that lost its database would never stop asking.
        raise_if_cancelled()
        await asyncio.sleep(_REPEAT_SECONDS)
