"""Reading ahead keeps the order, fetches one more than is in use, and leaves nothing open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from antiphon.projections.rebuild.reading_ahead import ahead


class Source:
    """Gives numbers, and notes how many it gave and whether it was left."""

    def __init__(self, count: int, *, fails: bool = False) -> None:
        self._count = count
        self._fails = fails
        self.given = 0
        self.is_closed = False

    async def items(self) -> AsyncIterator[int]:
        try:
            for number in range(self._count):
                await asyncio.sleep(0)
                self.given += 1
                yield number
            if self._fails:
                raise ConnectionError
            # Whoever stops before the end leaves it waiting here.
            await asyncio.Event().wait()
        finally:
            self.is_closed = True


async def _first(source: Source, count: int) -> list[int]:
    found: list[int] = []
    async with aclosing(ahead(source.items())) as items:
        async for number in items:
            found.append(number)
            # The next one comes meanwhile, and no other.
            async with asyncio.timeout(10):
                while source.given < min(number + 2, source._count):
                    await asyncio.sleep(0)
            assert source.given <= number + 2
            if len(found) == count:
                break
    return found


async def test_items_come_in_order_and_the_next_one_is_fetched_meanwhile() -> None:
    source = Source(10)
    assert await _first(source, 7) == list(range(7))


async def test_who_stops_before_the_end_leaves_nothing_open() -> None:
    source = Source(3)
    assert await _first(source, 3) == [0, 1, 2]
    assert source.is_closed


async def test_an_error_comes_behind_what_was_before_it() -> None:
    items = ahead(Source(3, fails=True).items())
    assert [await anext(items) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ConnectionError):
        await anext(items)


async def test_an_end_is_an_end() -> None:
    async def two() -> AsyncIterator[str]:
        yield "a"
        yield "b"

    assert [item async for item in ahead(two())] == ["a", "b"]
