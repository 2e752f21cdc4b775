"""Many clients fight for few slots while the policy is killed again and again."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from uuid import UUID, uuid4

from nats.aio.client import Client as NatsClient

from antiphon.events.client.client import Client, CommandEnvelope
from antiphon.events.limit.commands import AcquireLease, CreateLimit, ReleaseLease
from antiphon.events.limit.events import LeaseExpired, SlotsAcquired, SlotsReleased
from antiphon.events.log.nats.jetstream import JetStreamLog
from antiphon.events.message import Command
from antiphon.events.outcome import Outcome, Status
from antiphon.events.subjects import Aggregate
from antiphon.services.policy.kinds.limit.state import NO_LIMIT, evolve_limit
from antiphon.services.projector import main as projector
from antiphon.services.runtime.settings import Settings
from antiphon.services.timekeeper import main as timekeeper
from tests.integration.policy.conftest import PolicyProcess
from tests.integration.policy.lives import decide_surely
from tests.log import read_all
from tests.servers import NatsServer

CLIENTS = 200
SLOTS = 5
#: `make kills` makes more.
ACQUISITIONS = int(os.environ.get("ANTIPHON_KILLS_ACQUISITIONS", "800"))
KILLS = ACQUISITIONS // 250
LEASE_SECONDS = 2.0
#: Clients that take a slot and are never heard of again.
LOST = 0.02
DEADLINE_SECONDS = 500


async def ask(client: Client, key: UUID, command: Command) -> Outcome:
    return await decide_surely(client, CommandEnvelope(key, command, uuid4()))


@asynccontextmanager
async def beside(settings: Settings) -> AsyncIterator[None]:
    """Run the projector and the timekeeper, which make leases expire."""
    tasks = [asyncio.create_task(role.run(settings)) for role in (projector, timekeeper)]
    try:
        yield
        assert not any(task.done() for task in tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def fight(client: Client, dice: random.Random, wins: count[int], lost: list[UUID]) -> None:
    """Take a slot and give it back, or disappear with it, until there were enough acquisitions."""
    while True:
        lease_id = uuid4()
        outcome = await ask(client, lease_id, AcquireLease(names=("contended",), seconds=LEASE_SECONDS))
        if outcome.status is Status.WAIT:
            await asyncio.sleep(dice.uniform(0.1, 1))
            continue
        assert outcome.status is Status.CREATED
        number = next(wins)
        if dice.random() < LOST:
            lost.append(lease_id)
        else:
            # Its time may be over already, when the policy was away for long.
            assert (await ask(client, lease_id, ReleaseLease())).status in (Status.DELETED, Status.NOT_FOUND)
        if number >= ACQUISITIONS:
            return


async def test_there_are_never_more_holders_than_slots_and_none_is_lost(
    impatient: Client, connection: NatsClient, nats_server: NatsServer, postgres_url: str, policy_process: PolicyProcess
) -> None:
    limit = Aggregate("limit", str(uuid4()))
    settings = Settings(nats_url=nats_server.url, postgres_url=postgres_url)
    wins, lost = count(1), list[UUID]()
    await ask(impatient, UUID(limit.id), CreateLimit(name="contended", limit=SLOTS))
    async with asyncio.timeout(DEADLINE_SECONDS), beside(settings):
        fights = [
            asyncio.create_task(fight(impatient, random.Random(number), wins, lost))  # noqa: S311  to be the same again
            for number in range(CLIENTS)
        ]
        for _ in range(KILLS):
            await asyncio.sleep(2)
            policy_process.kill()
            policy_process.start()
        await asyncio.gather(*fights)
        log = JetStreamLog(connection)
        while True:
            events = [recorded.event for recorded in await read_all(log, limit)]
            state = NO_LIMIT
            for event in events:
                state = evolve_limit(state, event)
                assert sum(held.slots for held in state.leases.values()) == state.tally.leased_slots <= SLOTS
            if not state.leases:
                break
            await asyncio.sleep(0.5)
    acquired = [event.lease_id for event in events if isinstance(event, SlotsAcquired)]
    assert len(acquired) >= ACQUISITIONS
    assert len(acquired) == len(set(acquired))
    assert sorted(map(str, acquired)) == sorted(str(e.lease_id) for e in events if isinstance(e, SlotsReleased))
    assert lost
    for lease_id in lost:
        assert isinstance((await read_all(log, Aggregate("lease", str(lease_id))))[-1].event, LeaseExpired)
    assert policy_process.starts == KILLS + 1
