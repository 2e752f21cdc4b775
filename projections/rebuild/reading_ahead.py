"""Reads on while what was read before is being written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TypeVar

Item = TypeVar("Item")


async def ahead(items: AsyncIterator[Item]) -> AsyncGenerator[Item]:
    """The same items in order; while one of them is in use the next is fetched, but no more than that."""
    coming = asyncio.ensure_future(anext(items, None))
    try:
        while (item := await coming) is not None:
            coming = asyncio.ensure_future(anext(items, None))
            yield item
    finally:
        coming.cancel()
        # Whatever became of it: it was not wanted any more.
        await asyncio.gather(coming, return_exceptions=True)
