"""Events gather between two batches of the projector, but never while somebody waits to read (docs/adr/0015)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import pytest
from nats.aio.client import Client
from psycopg_pool import AsyncConnectionPool

from antiphon.events import subjects
from antiphon.projections.engine.projection import NAME
from antiphon.services.gateway.consistency.watermark import Watermark
from antiphon.services.projector.batch_linger import BatchLinger

#: A gathering that nobody ends takes longer than any test.
_EVER: Final = 3600.0
_FEW: Final = 10


@pytest.fixture
async def gathering(client: Client) -> AsyncIterator[BatchLinger]:
    async with BatchLinger(NAME, client, _EVER).listening() as found:
        await client.flush()
        yield found


@pytest.fixture
async def reached(client: Client, postgres_url: str) -> AsyncIterator[Watermark]:
    """How a gateway waits for a projection that is nowhere yet."""
    async with AsyncConnectionPool(postgres_url, min_size=0, max_size=1, open=False) as pool:
        yield Watermark(NAME, client, pool, lingers=True)


async def test_ends_when_somebody_waits(gathering: BatchLinger, reached: Watermark) -> None:
    resting = asyncio.create_task(gathering.after(_FEW, position=7))
    waiting = asyncio.create_task(reached.wait_for(8, _EVER))
    await resting
    reached.on_announced(8)
    assert await waiting


async def test_does_not_begin_where_somebody_waited_just_now(gathering: BatchLinger, reached: Watermark) -> None:
    resting = asyncio.create_task(gathering.after(_FEW, position=1))
    waiting = [asyncio.create_task(reached.wait_for(position, _EVER)) for position in (9, 8)]
    await resting
    for position in (5, 9, 20):
        await gathering.after(_FEW, position)
    reached.on_announced(9)
    assert await asyncio.gather(*waiting) == [True, True]


async def test_does_not_begin_where_much_waits_already(gathering: BatchLinger) -> None:
    await gathering.after(300, position=1)


async def test_lasts_a_moment(client: Client) -> None:
    await BatchLinger(NAME, client).after(_FEW, position=1)


async def test_those_who_wait_for_the_same_say_so_once(client: Client, reached: Watermark) -> None:
    said = await client.subscribe(subjects.projection_hurry(NAME))
    waiting = [asyncio.create_task(reached.wait_for(position, _EVER)) for position in (5, 5, 4, 6)]
    assert [(await said.next_msg(60)).data for _ in range(2)] == [b"5", b"6"]
    reached.on_announced(6)
    assert all(await asyncio.gather(*waiting))
    await client.flush()
    assert said.pending_msgs == 0
