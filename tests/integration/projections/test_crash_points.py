"""The projector ends, or loses PostgreSQL, in the gaps of "commit, announce": nothing is lost, nothing doubled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import pytest
from faststream.nats import NatsBroker
from nats.aio.client import Client as NatsClient
from nats.aio.msg import Msg

from antiphon.events import subjects
from antiphon.events.log.nats.jetstream import JetStreamLog
from antiphon.projections.engine.writer import connect, position_of
from antiphon.services.projecting.observation_projection import LOG_LINES, ObservationLoop
from antiphon.services.projector.events import EventsLoop
from tests.integration.projections.conftest import Projector
from tests.integration.projections.test_projector import DEADLINE_SECONDS, life, reached, rows
from tests.log import append_to
from tests.projection_scenario import log_lines

LIVES = 150
EVENTS_OF_A_LIFE = 4


class CrashError(Exception):
    """The process ended here."""


async def append_lives(client: NatsClient, count: int) -> int:
    """Runs that are created and end, and the position of the last event."""
    log, last = JetStreamLog(client), 0
    for _ in range(count):
        last = (await append_to(log, life()))[-1]
    return last


async def check(postgres_url: str, lives: int) -> None:
    """Each life is there once, and complete."""
    found = await rows(postgres_url)
    assert (len(found["flow_run"]), len(found["flow_run_state"])) == (lives, EVENTS_OF_A_LIFE * lives)
    async with await connect(postgres_url) as connection:
        cursor = await connection.execute("SELECT count(*) FROM flow_run WHERE state_type = 'COMPLETED'")
        assert await cursor.fetchone() == (lives,)


@asynccontextmanager
async def announcements(client: NatsClient, projection: str) -> AsyncIterator[list[int]]:
    heard: list[int] = []

    async def hear(message: Msg) -> None:
        heard.append(int(message.data))

    subscription = await client.subscribe(subjects.projection_committed(projection), cb=hear)
    yield heard
    await subscription.unsubscribe()


async def until_heard(heard: list[int], position: int) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while position not in heard:
            await asyncio.sleep(0.02)


async def test_invariant_09_what_was_committed_and_not_announced_is_announced_by_the_next(
    broker: NatsBroker, client: NatsClient, postgres_url: str
) -> None:
    last = await append_lives(client, 3)

    class CrashesBeforeItAnnounces(EventsLoop):
        async def _announce(self, position: int) -> None:
            if position == last:
                raise CrashError

    async with announcements(client, "events") as heard:
        with pytest.raises(CrashError):
            async with asyncio.timeout(DEADLINE_SECONDS):
                await CrashesBeforeItAnnounces(broker, client, postgres_url).run()
        await check(postgres_url, 3)
        assert heard == []
        following = asyncio.create_task(EventsLoop(broker, client, postgres_url).run())
        await until_heard(heard, last)
        following.cancel()
    await check(postgres_url, 3)


async def test_a_projector_that_is_killed_at_work_loses_and_doubles_nothing(
    client: NatsClient, projector: Projector, postgres_url: str
) -> None:
    appending = asyncio.create_task(append_lives(client, LIVES))
    for part in range(1, 4):
        projector.start()
        # It has committed something of this part, and more is waiting or being appended.
        await reached(postgres_url, part * LIVES * EVENTS_OF_A_LIFE // 5)
        projector.kill()
    last = await appending
    projector.start()
    await reached(postgres_url, last)
    await check(postgres_url, LIVES)


async def test_a_lost_postgres_session_is_opened_again_behind_the_checkpoint(
    client: NatsClient, projector: Projector, postgres_url: str
) -> None:
    projector.start()
    appending = asyncio.create_task(append_lives(client, LIVES))
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as other:
        for part in range(1, 4):
            await reached(postgres_url, part * LIVES * EVENTS_OF_A_LIFE // 5)
            others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            await other.execute(f"{others} AND datname = current_database()".encode())
    await reached(postgres_url, await appending)
    await check(postgres_url, LIVES)


async def test_a_second_projector_waits_for_its_turn(broker: NatsBroker, client: NatsClient, postgres_url: str) -> None:
    last = await append_lives(client, 1)
    async with announcements(client, "events") as heard:
        first = asyncio.create_task(EventsLoop(broker, client, postgres_url).run())
        await until_heard(heard, last)
        second = asyncio.create_task(EventsLoop(broker, client, postgres_url).run())
        await until_waiting(postgres_url)
        later = await append_lives(client, 1)
        await until_heard(heard, later)
        count = len(heard)
        first.cancel()
        async with asyncio.timeout(DEADLINE_SECONDS):
            # The second announces where it begins: where the first was.
            while len(heard) == count:
                await asyncio.sleep(0.02)
        assert heard[count:] == [later]
        second.cancel()
    await check(postgres_url, 2)


async def until_waiting(postgres_url: str) -> None:
    """Until somebody waits for the turn."""
    async with asyncio.timeout(DEADLINE_SECONDS), await connect(postgres_url) as connection:
        query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        while await (await connection.execute(query)).fetchone() != (1,):
            await asyncio.sleep(0.02)


async def test_log_lines_come_once_and_what_is_none_is_parked(client: NatsClient, postgres_url: str) -> None:
    jetstream = client.jetstream()
    subject = subjects.observation("log", "none")
    bodies = (log_lines({}), log_lines({}), b"not json", b'[{"id": "no uuid"}]')
    last = [(await jetstream.publish(subject, body)).seq for body in bodies][-1]
    async with announcements(client, "observed") as heard:
        first = asyncio.create_task(ObservationLoop(client, postgres_url, LOG_LINES).run())
        await until_heard(heard, last)
        first.cancel()
    assert len((await rows(postgres_url))["log"]) == 1
    assert (await jetstream.stream_info(subjects.PARKED)).state.messages == 2
    async with await connect(postgres_url) as connection:
        assert await position_of(connection, "observed") == last
