"""Whatever fails or is cancelled: no change is lost, and none that was acknowledged comes again."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress

import pytest

from antiphon.client import Client
from antiphon.events.log.nats.jetstream import JetStreamLog
from tests.contract.client.changes import DEADLINE_SECONDS, WATCHER, moves, positions
from tests.servers import NatsServer


async def test_two_loops_share_the_changes(client: Client, log: JetStreamLog) -> None:
    await moves(log, 60)
    shares: list[list[int]] = [[], []]
    each_has_one = asyncio.Event()

    async def share(mine: list[int]) -> None:
        async for change in client.state_changes(WATCHER, since=1):
            mine.append(change.position)
            if all(shares):
                each_has_one.set()
            await each_has_one.wait()

    async with asyncio.timeout(DEADLINE_SECONDS):
        tasks = [asyncio.create_task(share(mine)) for mine in shares]
        while sum(map(len, shares)) < 60:
            await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert sorted(shares[0] + shares[1]) == list(range(1, 61))


@pytest.mark.parametrize("name", [WATCHER, None])
async def test_a_killed_server_costs_and_repeats_nothing(
    client: Client, log: JetStreamLog, nats_server: NatsServer, name: str | None
) -> None:
    await moves(log, 20)
    seen: list[int] = []
    async with asyncio.timeout(DEADLINE_SECONDS), aclosing(client.state_changes(name, since=1)) as changes:
        async for change in changes:
            seen.append(change.position)
            if len(seen) == 7:
                nats_server.kill()
                nats_server.start()
            if len(seen) == 20:
                break
    assert seen == list(range(1, 21))


async def test_a_wait_can_be_cancelled_and_loses_nothing(client: Client, log: JetStreamLog) -> None:
    waiting = asyncio.create_task(positions(client, 1, since=1))
    for seconds in (0, 0.01, 0.3):
        await asyncio.sleep(seconds)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        waiting = asyncio.create_task(positions(client, 1, since=1))
    await moves(log, 2)
    assert await waiting == [1]
    assert await positions(client, 1) == [2]


async def test_no_cancellation_loses_a_change_or_repeats_an_acknowledged_one(
    client: Client, log: JetStreamLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("antiphon.events.client.durable._ACK_WAIT_SECONDS", 1)
    await moves(log, 100)
    begun: list[int] = []
    acknowledged: list[int] = []

    async def handle(most: int) -> None:
        async with aclosing(client.state_changes(WATCHER, since=1)) as changes:
            async for change in changes:
                async with change:
                    begun.append(change.position)
                acknowledged.append(change.position)
                if len(acknowledged) == most:
                    return

    # Cancelled after so many turns of the event loop: in each wait of a subscription's life.
    turns = 0
    while len(acknowledged) < 10:
        turns += 3
        handling = asyncio.create_task(handle(100))
        for _ in range(turns):
            await asyncio.sleep(0)
        handling.cancel()
        with suppress(asyncio.CancelledError):
            await handling
    seen = set(begun)
    async with asyncio.timeout(DEADLINE_SECONDS):
        while len(seen) < 100:
            before = len(acknowledged)
            await handle(before + 1)
            seen |= set(begun)
    assert seen == set(range(1, 101))
    assert len(acknowledged) == len(set(acknowledged))


async def test_a_slow_loop_keeps_its_change(client: Client, log: JetStreamLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("antiphon.events.client.durable._ACK_WAIT_SECONDS", 1.0)
    monkeypatch.setattr("antiphon.events.client.durable._ALIVE_SECONDS", 0.1)
    await moves(log, 1)
    async with asyncio.timeout(DEADLINE_SECONDS), aclosing(client.state_changes(WATCHER, since=1)) as changes:
        assert (await anext(changes)).position == 1
        other = asyncio.create_task(positions(client, 1))
        # Twice as long as the server waits for a silent reader.
        done, _ = await asyncio.wait([other], timeout=2.0)
        assert not done
    # It was not handled, so the other one gets it.
    assert await other == [1]


async def test_a_slow_loop_without_a_name_misses_nothing(client: Client, log: JetStreamLog) -> None:
    await moves(log, 100)
    async with asyncio.timeout(DEADLINE_SECONDS), aclosing(client.state_changes(since=1)) as changes:
        seen = [(await anext(changes)).position]
        # More than is under way to a reader at one time.
        for _ in range(10):
            await moves(log, 400)
        while len(seen) < 4100:
            seen.append((await anext(changes)).position)
    assert seen == list(range(1, 4101))
