"""A lease whose holder is gone ends by itself, also when the timekeeper was away while its time ran out."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import nats

from antiphon.events.client.client import Client
from antiphon.events.limit.commands import AcquireLease, CreateLimit
from antiphon.events.limit.events import LeaseExpired
from antiphon.events.log.nats.jetstream import JetStreamLog
from antiphon.events.outcome import Status
from antiphon.events.subjects import Aggregate
from antiphon.services.policy import main as policy
from antiphon.services.projector import main as projector
from antiphon.services.timekeeper import main as timekeeper
from tests.integration.gateway.house import Addresses
from tests.log import read_all

DEADLINE_SECONDS = 60
LEASE_SECONDS = 0.5


async def test_an_overdue_lease_expires_once(nats_url: str, postgres_url: str) -> None:
    addresses = Addresses(nats_url, postgres_url)
    await addresses.prepare()
    connection = await nats.connect(nats_url)
    client, log, lease_id = Client(connection, timeout_seconds=DEADLINE_SECONDS), JetStreamLog(connection), uuid4()
    lease = Aggregate("lease", str(lease_id))
    async with asyncio.timeout(DEADLINE_SECONDS), addresses.running(policy.run, projector.run):
        await client.decide(uuid4(), CreateLimit(name="one", limit=1))
        held = await client.decide(lease_id, AcquireLease(names=("one",), seconds=LEASE_SECONDS))
        assert held.status is Status.CREATED
        assert (await client.decide(uuid4(), AcquireLease(names=("one",), seconds=60))).status is Status.WAIT
        await asyncio.sleep(2 * LEASE_SECONDS)
        # Nobody has said so yet.
        assert len(await read_all(log, lease)) == 1
        async with addresses.running(timekeeper.run):
            while len(await read_all(log, lease)) == 1:
                await asyncio.sleep(0.1)
            assert (await client.decide(uuid4(), AcquireLease(names=("one",), seconds=60))).status is Status.CREATED
    assert isinstance((await read_all(log, lease))[-1].event, LeaseExpired)
    assert len(await read_all(log, lease)) == 2
    await connection.close()
