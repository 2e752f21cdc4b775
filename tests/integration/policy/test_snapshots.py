"""Snapshots on JetStream: the last of each aggregate, and a policy that goes on from them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import nats
import pytest

from antiphon.events import ids
from antiphon.events.client.client import Client
from antiphon.events.limit.commands import AcquireLease, CreateLimit, ReleaseLease
from antiphon.events.limit.events import LimitCreated, SlotsAcquired, SlotsReleased
from antiphon.events.limit.slots import SlotCounts
from antiphon.events.log.nats.jetstream import JetStreamLog
from antiphon.events.log.nats.provision import provision
from antiphon.events.log.nats.snapshots import JetStreamSnapshots
from antiphon.events.log.port import MAX_DRAFTS, Draft, Recorded
from antiphon.events.message import Event, Metadata
from antiphon.events.name.events import NameClaimed
from antiphon.events.outcome import Status
from antiphon.events.subjects import Aggregate
from antiphon.services.policy.main import run as run_policy
from antiphon.services.policy.service import folds
from antiphon.services.policy.service.folds import Fold, Folds, Snapshot
from antiphon.services.runtime.lease import LeaderLease
from antiphon.services.runtime.settings import Settings
from tests.examples import NOW
from tests.integration import in_process

DEADLINE_SECONDS = 20
#: To append, and to read once, takes a while.
LONG_SECONDS = 240
SLOT_EVENTS = 200_000


async def test_a_policy_puts_snapshots_and_goes_on_from_them(nats_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folds, "EVERY", 6)
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
        found, whole = await Folds(log, kept).load(limit), await Fold.empty(limit).replay(log)
        assert (found.state, found.position, found.outcomes) == (whole.state, whole.position, whole.outcomes)
        assert found.events_since_snapshot < whole.events_since_snapshot
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


async def test_an_upgrade_reads_a_long_limit_before_it_decides(nats_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its snapshot is of a version that nothing upcasts: it is renewed while the policy stands by."""
    settings = Settings(nats_url=nats_url, postgres_url=in_process.NO_POSTGRES)
    limit = Aggregate("limit", str(uuid4()))
    read, read_before = 0, 0
    original_read, original_acquire = JetStreamLog.read, LeaderLease.acquire

    async def counted(self: JetStreamLog, aggregate: Aggregate, *, since: int = 1) -> AsyncIterator[Recorded]:
        nonlocal read
        async for recorded in original_read(self, aggregate, since=since):
            read += 1
            yield recorded

    async def acquire(self: LeaderLease) -> None:
        nonlocal read_before
        await original_acquire(self)
        read_before = read

    async with await nats.connect(nats_url) as connection:
        await provision(connection)
        end = await append_long_limit(JetStreamLog(connection), limit)
        kept = JetStreamSnapshots(connection)
        outdated = Snapshot(version=0, position=end, changed_at=end, command_id=None, outcomes=[], state={})
        await kept.put(limit, outdated.model_dump_json().encode())
        monkeypatch.setattr(JetStreamLog, "read", counted)
        monkeypatch.setattr(LeaderLease, "acquire", acquire)
        async with in_process.running(settings, run_policy):
            client = Client(connection, timeout_seconds=LONG_SECONDS)
            outcome = await client.decide(uuid4(), AcquireLease(names=("long",), seconds=3600))
    assert outcome.status is Status.CREATED
    assert read_before > SLOT_EVENTS
    assert read - read_before < 10


async def append_long_limit(log: JetStreamLog, limit: Aggregate) -> int:
    """A limit of one slot that was acquired and released over and over; returns the end of the log."""
    tally = SlotCounts(loose_slots=0, leased_slots=0, denied_slots=0, at=NOW)
    taken = tally.model_copy(update={"leased_slots": 1})

    def draft(aggregate: Aggregate, event: Event) -> Draft:
        return Draft(aggregate, event, Metadata(command_id=uuid4(), occurred_at=NOW), 0)

    created = LimitCreated(name="long", limit=1, active=True, slot_decay_per_second=0, tally=tally)
    claimed = NameClaimed(name="long", owner=limit.id)
    end = (await log.append([draft(ids.name_aggregate("limit", "long"), claimed), draft(limit, created)], after=0))[-1]
    for _ in range(0, SLOT_EVENTS, MAX_DRAFTS):
        batch: list[Draft] = []
        for _ in range(MAX_DRAFTS // 2):
            lease_id = uuid4()
            batch.append(draft(limit, SlotsAcquired(slots=1, lease_id=lease_id, holder=None, tally=taken)))
            batch.append(draft(limit, SlotsReleased(slots=1, lease_id=lease_id, tally=tally)))
        end = (await log.append(batch, after=end))[-1]
    return end
