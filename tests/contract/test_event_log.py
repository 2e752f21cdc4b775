"""What every implementation of the log port does: one suite, in memory and on JetStream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import nats
import pytest
from nats.aio.client import Client as NatsClient

from antiphon.events import codec, subjects
from antiphon.events.flow_run.events import FlowRunDeleted
from antiphon.events.log.errors import ConflictError, LogUnavailableError
from antiphon.events.log.memory import MemoryLog
from antiphon.events.log.nats.jetstream import JetStreamLog
from antiphon.events.log.nats.provision import provision
from antiphon.events.log.nats.raw_connection import use_raw_connection
from antiphon.events.log.port import Draft, EventLog, Recorded, Unreadable
from antiphon.events.message import Metadata
from antiphon.events.subjects import Aggregate
from antiphon.services.runtime.clock import ManualClock
from tests.examples import NOW, run_created, run_moved, state
from tests.log import append_to, read_all
from tests.servers import NatsServer

DEADLINE_SECONDS = 20


@pytest.fixture(params=["memory", "jetstream", "raw_jetstream"])
async def log(request: pytest.FixtureRequest) -> AsyncIterator[EventLog]:
    if request.param == "memory":
        yield MemoryLog(ManualClock(NOW))
        return
    connection = await nats.connect(request.getfixturevalue("nats_url"))
    if request.param == "raw_jetstream":
        use_raw_connection(connection)
    await provision(connection)
    yield JetStreamLog(connection)
    await connection.close()


def run() -> Aggregate:
    return Aggregate("flow_run", str(uuid4()))


def draft(aggregate: Aggregate, index: int = 0, command_id: UUID | None = None) -> Draft:
    event = run_created() if index == 0 else run_moved(state("RUNNING"), run_count=index)
    return Draft(aggregate, event, Metadata(command_id=command_id or uuid4(), occurred_at=datetime.now(UTC)), index)


def first(aggregate: Aggregate) -> Draft:
    return replace(draft(aggregate), is_first=True)


async def taken(log: EventLog, after: int, until: int, *wildcards: str) -> list[Recorded | Unreadable]:
    async with asyncio.timeout(DEADLINE_SECONDS):
        return [item async for batch in log.follow(after, subjects=wildcards, until=until) for item in batch]


async def test_positions_count_up_without_gaps(log: EventLog) -> None:
    one, other = run(), run()
    first = await append_to(log, [draft(one), draft(one, 1), draft(other)])
    second = await append_to(log, [draft(one, 2)])
    assert [*first, *second] == [1, 2, 3, 4]
    assert await log.last_position() == 4


async def test_what_was_appended_is_read_again(log: EventLog) -> None:
    aggregate = run()
    drafts = [draft(aggregate), draft(aggregate, 1)]
    positions = await append_to(log, drafts)
    found = await read_all(log, aggregate)
    assert [(item.position, item.event, item.metadata) for item in found] == [
        (position, item.event, item.metadata) for position, item in zip(positions, drafts, strict=True)
    ]


async def test_an_unknown_aggregate_has_no_events(log: EventLog) -> None:
    assert list(await read_all(log, run())) == []


async def test_the_events_of_an_aggregate_are_read_from_a_position_on(log: EventLog) -> None:
    one, other = run(), run()
    first = await append_to(log, [draft(one), draft(one, 1), draft(other), draft(one, 2)])
    for since, expected in ((1, [1, 2, 4]), (first[1], [2, 4]), (3, [4]), (5, [])):
        assert [item.position for item in await read_all(log, one, since=since)] == expected


@pytest.mark.parametrize("count", [1, 3])
async def test_invariant_03_an_append_behind_an_old_end_is_refused(log: EventLog, count: int) -> None:
    await append_to(log, [draft(run())])
    other = run()
    with pytest.raises(ConflictError):
        await log.append([draft(other, number) for number in range(count)], after=0)
    assert await log.last_position() == 1
    assert await read_all(log, other) == []


@pytest.mark.parametrize("count", [1, 3])
async def test_invariant_04_what_is_not_new_refuses_the_whole_append(log: EventLog, count: int) -> None:
    known, new = run(), run()
    await append_to(log, [draft(known)])
    drafts = [first(new), *(draft(new, number) for number in range(1, count)), first(known)]
    with pytest.raises(ConflictError):
        await log.append(drafts, after=1)
    assert await read_all(log, new) == []
    assert await log.append(drafts[:-1], after=1) == range(2, 2 + count)


async def test_an_aggregate_may_have_more_events_than_a_page(log: EventLog) -> None:
    aggregate = run()
    for start in range(0, 1200, 400):
        await append_to(log, [draft(aggregate, start + number) for number in range(400)])
    found = await read_all(log, aggregate)
    assert [item.position for item in found] == list(range(1, 1201))


async def test_following_gives_what_comes_after_in_order(log: EventLog) -> None:
    aggregate = run()
    await append_to(log, [draft(aggregate, number) for number in range(5)])
    assert [item.position for item in await taken(log, 2, 5)] == [3, 4, 5]
    assert await taken(log, 5, 5) == []


async def test_following_waits_for_new_events(log: EventLog) -> None:
    following = asyncio.create_task(taken(log, 0, 1))
    await append_to(log, [draft(run())])
    assert len(await following) == 1


async def test_a_filter_selects_and_a_filter_for_nothing_ends(log: EventLog) -> None:
    wanted, other = run(), run()
    await append_to(log, [draft(wanted), draft(other), draft(wanted, 1), draft(other, 1)])
    found = await taken(log, 0, 4, subjects.event_stream(wanted))
    assert [item.position for item in found] == [1, 3]
    assert await taken(log, 0, 4, "evt.flow_run.*.state.created") != []
    assert await taken(log, 0, 4, subjects.event_stream(wanted), "evt.flow.*.*") == found


async def test_a_filter_that_matches_nothing_ends_the_replay(connection: NatsClient) -> None:
    log = JetStreamLog(connection)
    await append_to(log, [draft(run())])
    assert await taken(log, 0, 1, "evt.flow.*.*") == []


async def test_invariant_10_a_message_that_cannot_be_read_is_shown_as_it_is(connection: NatsClient) -> None:
    log, aggregate = JetStreamLog(connection), run()
    await append_to(log, [draft(aggregate)])
    subject = subjects.event(aggregate, "created")
    await connection.jetstream().publish(subject, b"not json", headers={subjects.COMMAND_ID: str(uuid4())})
    await append_to(log, [Draft(aggregate, FlowRunDeleted(), draft(aggregate).metadata, 0)])
    first, odd, last = await taken(log, 0, 3)
    assert isinstance(first, Recorded)
    assert isinstance(last, Recorded)
    assert isinstance(odd, Unreadable)
    assert (odd.position, odd.subject, odd.data) == (2, subject, b"not json")


async def append_surely(log: JetStreamLog, drafts: list[Draft], *, after: int) -> None:
    """Append although nobody may answer: the fence tells whether it had happened."""
    while True:
        try:
            await log.append(drafts, after=after)
        except LogUnavailableError:
            continue
        except ConflictError:
            return
        return


async def test_a_reader_goes_on_after_the_server_was_killed(nats_server: NatsServer, connection: NatsClient) -> None:
    log, seen = JetStreamLog(connection), list[int]()

    async def read() -> None:
        async for batch in log.follow(0):
            seen.extend(item.position for item in batch)
            if seen[-1] >= 60:
                return

    reading = asyncio.create_task(read())
    await append_to(log, [draft(run()) for _ in range(30)])
    async with asyncio.timeout(60):
        while len(seen) < 30:
            await asyncio.sleep(0.01)
        nats_server.kill()
        nats_server.start()
        await append_surely(log, [draft(run()) for _ in range(30)], after=30)
        await reading
    assert seen == list(range(1, 61))


def test_invariant_07_the_server_syncs_before_it_confirms(nats_server: NatsServer, tmp_path: Path) -> None:
    assert nats_server.is_running
    texts = [path.read_text() for path in tmp_path.rglob("nats-server.conf")]
    assert len(texts) == 1
    assert "sync_interval: always" in texts[0]


def test_every_event_type_is_stored_under_its_own_name() -> None:
    assert all(name == event.TYPE for name, event in codec.EVENT_TYPES.items())


async def test_batches_can_be_bounded(log: EventLog) -> None:
    one = run()
    await append_to(log, [draft(one, number) for number in range(7)])
    async with asyncio.timeout(DEADLINE_SECONDS):
        batches = [[item.position for item in batch] async for batch in log.follow(0, until=7, most=3)]
    assert [position for batch in batches for position in batch] == list(range(1, 8))
    assert max(map(len, batches)) <= 3
