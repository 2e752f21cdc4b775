"""The projector lingers between two batches, but never while a reader waits (docs/adr/0004)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import pytest
from faststream.nats import NatsBroker
from nats.aio.client import Client
from nats.errors import NoRespondersError
from psycopg_pool import AsyncConnectionPool

from antiphon.events import subjects
from antiphon.events.projection_messages import Hurry
from antiphon.projections.engine.projection import NAME
from antiphon.services.gateway.consistency.watermark import Watermark
from antiphon.services.projector.batch_linger import BatchLinger
from antiphon.services.projector.subscribers import subscribed

#: Longer than any test.
_EVER: Final = 3600.0
_FEW: Final = 10
_PROBE: Final = "probe"


@pytest.fixture
async def linger(broker: NatsBroker, client: Client) -> AsyncIterator[BatchLinger]:
    made = BatchLinger(_EVER, recently_seconds=_EVER)
    async with subscribed(broker, client, {subjects.projection_hurry(NAME): made.hurry, _PROBE: _answer}):
        # The server knows the first subscription once it knows the second; nats-py's flush overtakes both.
        while not await _is_answered(client):
            await asyncio.sleep(0.01)
        yield made


async def _answer() -> str:
    return "here"


async def _is_answered(client: Client) -> bool:
    try:
        await client.request(_PROBE, timeout=60)
    except NoRespondersError:
        return False
    return True


@pytest.fixture
async def reached(client: Client, postgres_url: str) -> AsyncIterator[Watermark]:
    """How a gateway waits for a projection that is nowhere yet."""
    async with AsyncConnectionPool(postgres_url, min_size=0, max_size=1, open=False) as pool:
        yield Watermark(NAME, client, pool, lingers=True)


async def test_ends_when_somebody_waits(linger: BatchLinger, reached: Watermark) -> None:
    resting = asyncio.create_task(linger.wait(_FEW, position=7))
    waiting = asyncio.create_task(reached.wait_for(8, _EVER))
    await resting
    reached.on_announced(8)
    assert await waiting


async def test_does_not_begin_where_somebody_waited_just_now(linger: BatchLinger, reached: Watermark) -> None:
    resting = asyncio.create_task(linger.wait(_FEW, position=1))
    waiting = [asyncio.create_task(reached.wait_for(position, _EVER)) for position in (9, 8)]
    await resting
    for position in (5, 9, 20):
        await linger.wait(_FEW, position)
    reached.on_announced(9)
    assert await asyncio.gather(*waiting) == [True, True]


async def test_does_not_begin_where_much_waits_already(linger: BatchLinger) -> None:
    await linger.wait(500, position=1)


async def test_lasts_a_moment() -> None:
    await BatchLinger().wait(_FEW, position=1)


async def test_those_who_wait_for_the_same_say_so_once(client: Client, reached: Watermark) -> None:
    said = await client.subscribe(subjects.projection_hurry(NAME))
    waiting = [asyncio.create_task(reached.wait_for(position, _EVER)) for position in (5, 5, 4, 6)]
    hurries = [Hurry.model_validate_json((await said.next_msg(60)).data) for _ in range(2)]
    assert [item.position for item in hurries] == [5, 6]
    reached.on_announced(6)
    assert all(await asyncio.gather(*waiting))
    await client.flush()
    assert said.pending_msgs == 0
