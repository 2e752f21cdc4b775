"""Snapshots on JetStream: the last of each aggregate, and a policy that goes on from them."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import nats
import pytest

from antiphon.events.client.client import Client
from antiphon.events.limit.commands import AcquireLease, CreateLimit, ReleaseLease
from antiphon.events.log.nats.jetstream import JetStreamLog
from antiphon.events.log.nats.provision import provision
from antiphon.events.log.nats.snapshots import JetStreamSnapshots
from antiphon.events.outcome import Status
from antiphon.events.subjects import Aggregate
from antiphon.services.policy.main import run as run_policy
from antiphon.services.policy.service import snapshots
from antiphon.services.policy.service.folds import fold
from antiphon.services.policy.service.snapshots import FoldReader
from antiphon.services.runtime.settings import Settings
from tests.integration import in_process

DEADLINE_SECONDS = 20


async def test_a_policy_puts_snapshots_and_goes_on_from_them(nats_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "EVERY", 6)
    settings = Settings(nats_url=nats_url, postgres_url=in_process.NO_POSTGRES)
    limit_id, leases = uuid4(), [uuid4() for _ in range(4)]
    limit = Aggregate("limit", str(limit_id))
    async with await nats.connect(nats_url) as connection:
        await provision(connection)
        client, kept = Client(connection, timeout_seconds=DEADLINE_SECONDS), JetStreamSnapshots(connection)
        log = JetStreamLog(connection)

        async def take(lease_id: UUID) -> Status:
            return (await client.decide(lease_id, AcquireLease(names=("few",), seconds=3600))).status

        assert await kept.get(limit) is None
        async with in_process.running(settings, run_policy):
            await client.decide(limit_id, CreateLimit(name="few", limit=1))
            for lease_id in leases[:3]:
                assert await take(lease_id) is Status.CREATED
                await client.decide(lease_id, ReleaseLease())
            assert await take(leases[3]) is Status.CREATED
            async with asyncio.timeout(DEADLINE_SECONDS):
                while await kept.get(limit) is None:
                    await asyncio.sleep(0.01)
        found, whole = await FoldReader(log, kept).load(limit), fold(limit, await log.read(limit))
        assert (found.state, found.position, found.outcomes) == (whole.state, whole.position, whole.outcomes)
        assert found.unkept < whole.unkept
        async with in_process.running(settings, run_policy):
            assert await take(uuid4()) is Status.WAIT


async def test_the_last_snapshot_is_the_one_that_is_found(nats_url: str) -> None:
    aggregate = Aggregate("limit", str(uuid4()))
    async with await nats.connect(nats_url) as connection:
        await provision(connection)
        kept = JetStreamSnapshots(connection)
        await kept.put(aggregate, b"first")
        await kept.put(aggregate, b"second")
        # It is not put: the server would close the connection.
        await kept.put(aggregate, bytes(connection.max_payload + 1))
        async with asyncio.timeout(DEADLINE_SECONDS):
            while await kept.get(aggregate) != b"second":
                await asyncio.sleep(0.01)
