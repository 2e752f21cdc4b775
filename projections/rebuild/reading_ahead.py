"""Reads the next batch while the former one is written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TypeVar

Item = TypeVar("Item")


async def ahead(items: AsyncIterator[Item]) -> AsyncGenerator[Item]:
    """The same items in order; while one is in use, only the next is fetched."""
    coming = asyncio.ensure_future(anext(items, None))
    try:
        while (item := await coming) is not None:
            coming = asyncio.ensure_future(anext(items, None))
            yield item
    finally:
        coming.cancel()
        # Its result and its error are no longer of interest.
        await asyncio.gather(coming, return_exceptions=True)
