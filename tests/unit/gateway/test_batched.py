"""Rows that several requests want at the same moment are read by one query."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from psycopg import AsyncConnection

from services.gateway.batched import Batched, GetMany

ONE, OTHER = UUID(int=1), UUID(int=2)


@asynccontextmanager
async def nowhere() -> AsyncIterator[AsyncConnection[Any]]:
    """A connection that nobody uses."""
    yield None  # type: ignore[misc]


def batched(get_many: GetMany) -> Batched:
    return Batched(get_many, nowhere)


async def test_those_who_ask_at_the_same_moment_share_a_query() -> None:
    asked: list[Sequence[UUID]] = []

    async def read(_: AsyncConnection[Any], ids: Sequence[UUID]) -> dict[UUID, bytes]:
        asked.append(ids)
        return {ONE: b"one"}

    rows = batched(read)
    found = await asyncio.gather(rows.get(ONE), rows.get(OTHER), rows.get(ONE))
    assert list(found) == [b"one", None, b"one"]
    assert await rows.get(ONE) == b"one"
    assert asked == [[ONE, OTHER], [ONE]]


async def test_an_error_that_nobody_expected_is_everybodys() -> None:
    async def fail(_: AsyncConnection[Any], __: Sequence[UUID]) -> dict[UUID, bytes]:
        raise ZeroDivisionError

    rows = batched(fail)
    async with asyncio.timeout(10):
        found = await asyncio.gather(rows.get(ONE), rows.get(OTHER), return_exceptions=True)
    assert [type(item) for item in found] == [ZeroDivisionError, ZeroDivisionError]


async def test_one_who_no_longer_waits_takes_nothing_from_the_others() -> None:
    goes_on = asyncio.Event()

    async def read(_: AsyncConnection[Any], ids: Sequence[UUID]) -> dict[UUID, bytes]:
        await goes_on.wait()
        return dict.fromkeys(ids, b"row")

    rows = batched(read)
    impatient, patient = asyncio.create_task(rows.get(ONE)), asyncio.create_task(rows.get(ONE))
    await asyncio.sleep(0)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    goes_on.set()
    assert await patient == b"row"
