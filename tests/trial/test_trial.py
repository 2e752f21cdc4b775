"""Whatever is killed or built again under load, each subscriber sees each change once and in order, and all agrees."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from random import Random
from typing import Final

import httpx
import nats
import pytest

from antiphon.events.client.client import Client
from antiphon.events.log.nats.jetstream import JetStreamLog
from antiphon.events.log.port import Recorded
from tests.integration.policy.lives import assert_decided_once
from tests.integration.projections.fold import folded_rows, shown_rows
from tests.integration.projections.test_projector import reached
from tests.integration.test_start import antiphon, started
from tests.servers import PostgresServer, fresh_database
from tests.trial.chaos import Chaos
from tests.trial.damage import damage_and_repair
from tests.trial.load import OVER_HTTP, Load
from tests.trial.subscribers import NatsSubscriber, Seen, SseSubscriber, Subscriber, WebSocketSubscriber

#: `make trial` makes many more.
TRANSITIONS: Final = int(os.environ.get("ANTIPHON_TRIAL_TRANSITIONS", "500"))
KILL_EVERY_SECONDS: Final = 1.5
SUBSCRIBERS_OF_EACH_KIND: Final = 2
#: Lives whose commands are asked once more at the end.
ASKED_AGAIN: Final = 50
#: Nothing is measured here: it is for a trial that hangs.
DEADLINE_SECONDS: Final = 300 + TRANSITIONS / 10


# What nats-py was about to open when a server was killed is left to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_every_change_is_seen_once_in_order_whatever_is_killed(
    open_path: Path, postgres_server: PostgresServer
) -> None:
    with started(open_path / "data") as subject:
        run = json.loads((subject.data / "run.json").read_text())
        host = subject.api_url.removeprefix("http://").removesuffix("/api")
        subscribers: list[Subscriber] = []
        for seed in range(SUBSCRIBERS_OF_EACH_KIND):
            subscribers += [NatsSubscriber(seed, run["nats_url"]), SseSubscriber(seed, host)]
            subscribers += [WebSocketSubscriber(seed, host)]
        connection = await nats.connect(run["nats_url"], max_reconnect_attempts=-1, reconnect_time_wait=0.1)
        async with asyncio.timeout(DEADLINE_SECONDS), httpx.AsyncClient(base_url=f"http://{host}", timeout=30) as http:
            client, log = Client(connection, timeout_seconds=15), JetStreamLog(connection)
            load = Load(client, http, TRANSITIONS)
            chaos = Chaos(subject, load, KILL_EVERY_SECONDS)
            await _go_through(load, chaos, subscribers, log)
            for life in load.lives[:ASKED_AGAIN]:
                await assert_decided_once(client, log, life, over_http=[OVER_HTTP])
            written = [item async for batch in log.follow(0, until=await log.last_position()) for item in batch]
            await reached(run["postgres_url"], len(written))
            with fresh_database(postgres_server) as empty:
                assert await shown_rows(run["postgres_url"]) == await folded_rows(log, empty)
        await connection.close()
        verified = antiphon("verify", "--data-dir", str(subject.data))
        assert verified.returncode == 0, verified.stderr
        assert subject.status()["parked"] >= load.refused
    await _mend(open_path / "data", postgres_server, len(written))
    expected = [_seen(item) for item in written if isinstance(item, Recorded)]
    assert [seen.position for seen in expected] == list(range(1, len(written) + 1))
    for subscriber in subscribers:
        assert subscriber.seen[: len(expected)] == expected
        assert subscriber.breaks > 1
    assert chaos.kills > 1
    assert chaos.rebuilds[-1] == 0


async def _mend(data: Path, postgres_server: PostgresServer, end: int) -> None:
    """What was lost and damaged comes back, and the read models agree with it."""
    end = await damage_and_repair(data, Random(end), end)  # noqa: S311  repeatable
    with started(data), fresh_database(postgres_server) as empty:
        run = json.loads((data / "run.json").read_text())
        async with await nats.connect(run["nats_url"]) as connection:
            log = JetStreamLog(connection)
            # Antiphon's own work may have gone on.
            last = await log.last_position()
            assert last >= end
            await reached(run["postgres_url"], last)
            assert await shown_rows(run["postgres_url"]) == await folded_rows(log, empty)


async def _go_through(load: Load, chaos: Chaos, subscribers: list[Subscriber], log: JetStreamLog) -> None:
    end: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as everything:
        for subscriber in subscribers:
            everything.create_task(subscriber.until(end))
        raging = everything.create_task(chaos.run())
        await load.run()
        await raging
        end.set_result(await log.last_position())


def _seen(item: Recorded) -> Seen:
    return Seen(item.position, item.event.TYPE, str(item.metadata.command_id))
