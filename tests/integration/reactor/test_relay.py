"""What is written to another stream, and how far the log was read for it, are there together or not at all."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from nats.aio.client import Client as NatsClient

from antiphon.events import subjects
from antiphon.events.log.errors import ConflictError, LogUnavailableError
from antiphon.events.log.nats.connection import Outgoing
from antiphon.events.log.nats.jetstream import JetStreamLog
from antiphon.events.log.nats.relay import Relay
from antiphon.events.subjects import OBSERVED, SCHEDULED
from tests.servers import NatsServer


def message(number: int) -> Outgoing:
    return subjects.observation("other", str(number)), {}, str(number).encode()


async def written(client: NatsClient, stream: str = OBSERVED) -> int:
    """How many messages there are, the cursors included."""
    return (await client.jetstream().stream_info(stream)).state.messages


async def test_a_relay_goes_on_where_its_predecessor_was(client: NatsClient) -> None:
    first = Relay(client, OBSERVED, "test")
    assert await first.position() is None
    await first.advance([message(1), message(2)], 7)
    await first.advance([message(3)], 9)
    assert await Relay(client, OBSERVED, "test").position() == 9
    assert await Relay(client, OBSERVED, "other").position() is None
    assert await written(client) == 3 + 2


async def test_of_two_relays_only_one_advances_and_the_other_writes_nothing(client: NatsClient) -> None:
    first, second = Relay(client, OBSERVED, "test"), Relay(client, OBSERVED, "test")
    assert await first.position() is None
    assert await second.position() is None
    await first.advance([message(1)], 1)
    before = await written(client)
    with pytest.raises(ConflictError):
        await second.advance([message(1)], 1)
    assert await written(client) == before
    assert await second.position() == 1
    await second.advance([message(2)], 2)


async def test_a_cursor_takes_no_more_than_one_place_in_a_queue(client: NatsClient) -> None:
    relay = Relay(client, SCHEDULED, "test")
    for position in (1, 2, 3):
        await relay.advance([(subjects.scheduled("key", "run"), {}, b"{}")], position)
    assert await relay.position() == 3
    assert await written(client, SCHEDULED) == 2


async def test_without_a_server_nothing_is_known(client: NatsClient, nats_server: NatsServer) -> None:
    relay = Relay(client, OBSERVED, "test", timeout_seconds=0.5)
    nats_server.kill()
    with pytest.raises(LogUnavailableError):
        await relay.advance([message(1)], 1)
    nats_server.start()
    position = await _answered(relay)
    # Whether it was written or not: both agree.
    assert await written(client) == (0 if position is None else 2)


async def _answered(relay: Relay) -> int | None:
    async with asyncio.timeout(30):
        while True:
            try:
                return await relay.position()
            except LogUnavailableError:
                await asyncio.sleep(0.1)


async def test_the_log_is_searched_by_time(client: NatsClient) -> None:
    log = JetStreamLog(client)
    before = datetime.now(UTC)
    assert await log.position_at(before) - 1 == 0
    for _ in range(3):
        await client.jetstream().publish("evt.thing.x.happened", b"{}")
    assert await log.position_at(before - timedelta(days=7)) - 1 == 0
    assert await log.position_at(datetime.now(UTC) + timedelta(minutes=1)) - 1 == 3
