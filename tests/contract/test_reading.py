"""What JetStream's log can besides: whole histories, positions of times, and readers that take their time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from nats.aio.client import Client as NatsClient

from antiphon.events import subjects
from antiphon.events.client.client import Client, EventFilter
from antiphon.events.client.run_context import RunContexts
from antiphon.events.flow_run.events import FlowRunChanges, FlowRunUpdated
from antiphon.events.log.errors import NoSuchPositionError
from antiphon.events.log.nats.consumer import OrderedConsumer
from antiphon.events.log.nats.jetstream import JetStreamLog
from antiphon.events.log.port import Draft, Recorded, Unreadable
from antiphon.events.message import Event, Metadata
from antiphon.events.subjects import Aggregate
from tests.examples import FLOW_ID, NOW, run_created, run_moved, state, task_created
from tests.log import append_to, read_all

DEADLINE_SECONDS = 30


def drafts(aggregate: Aggregate, *events: Event) -> list[Draft]:
    return [Draft(aggregate, event, Metadata(command_id=uuid4(), occurred_at=NOW), 0) for event in events]


def run() -> Aggregate:
    return Aggregate("flow_run", str(uuid4()))


async def test_a_history_is_whole_with_what_cannot_be_decoded(connection: NatsClient) -> None:
    log, aggregate = JetStreamLog(connection), run()
    await append_to(log, drafts(aggregate, run_created()))
    await connection.jetstream().publish(subjects.event(aggregate, "odd"), b"?", headers={"a": "b"})
    await append_to(log, drafts(aggregate, run_moved(state("RUNNING"))))
    found = await log.history(aggregate)
    assert [type(item) for item in found] == [Recorded, Unreadable, Recorded]
    followed = [item async for batch in log.follow(0, until=3) for item in batch]
    assert [item.recorded_at for item in followed] == [item.recorded_at for item in found]
    assert [item.position for item in found] == [1, 2, 3]


async def test_what_is_replayed_is_what_a_history_has(connection: NatsClient) -> None:
    """A replay reads headers of our own hand at one go, a history takes all of them apart."""
    log, client, aggregate, command_id = JetStreamLog(connection), Client(connection), run(), uuid4()
    told = Metadata(
        command_id, NOW - timedelta(microseconds=1), uuid4(), "a.1", "someone (a b)", f"00-{command_id.hex}"
    )
    foreign = Metadata(command_id, NOW, causation_id="\u00e9  e")
    events = (run_created(), run_moved(state("RUNNING")), run_moved(state("COMPLETED")))
    drafts_ = [
        Draft(aggregate, event, metadata, index)
        for metadata in (Metadata(command_id, NOW), told, foreign)
        for index, event in enumerate(events)
    ]
    # One batch, and messages alone: JetStream is told other things with each.
    await append_to(log, drafts_)
    for draft in drafts_:
        await append_to(log, [draft])
    replayed = [item async for item in client.replay()]
    assert replayed == list(await client.history(aggregate))
    assert [item.metadata for item in replayed if isinstance(item, Recorded)] == [
        draft.metadata._replace(causation_id=(draft.metadata.causation_id or "").replace("  ", " ") or None)
        for draft in drafts_ * 2
    ]


async def test_a_moment_has_a_position(connection: NatsClient) -> None:
    client = Client(connection)
    assert await client.first_position(datetime(2020, 1, 1, tzinfo=UTC)) == 1
    assert await client.last_position() == 0
    log = JetStreamLog(connection)
    for _ in range(3):
        await append_to(log, drafts(run(), run_created()))
        await asyncio.sleep(0.002)
    times = [item.recorded_at async for item in client.replay()]
    for position, time in enumerate(times, 1):
        assert time is not None
        assert await client.first_position(time) == await client.last_position(time) == position
        assert await client.last_position(time - timedelta(milliseconds=1)) == position - 1
    assert await client.first_position(4) == 4
    for position_of, behind in ((client.first_position, 5), (client.last_position, 4)):
        for there_is_none in (behind, datetime.now(UTC) + timedelta(days=1)):
            with pytest.raises(NoSuchPositionError):
                await position_of(there_is_none)


@pytest.mark.parametrize(("count", "bytes_each"), [(6000, 10), (100, 1_000_000)])
async def test_a_reader_that_takes_its_time_costs_little_memory_and_misses_nothing(
    connection: NatsClient, count: int, bytes_each: int
) -> None:
    jetstream, body = connection.jetstream(), b"x" * bytes_each
    for start in range(0, count, 100):
        await asyncio.gather(*(jetstream.publish(f"evt.x.{start + n}.y", body) for n in range(100)))
    consumer = OrderedConsumer(connection, subjects.EVENTS)
    positions: list[int] = []
    async with asyncio.timeout(DEADLINE_SECONDS):
        async for batch in consumer.batches(until=count):
            positions += [item.position for item in batch]
            # The server has all the time it needs to send whatever was asked for.
            await asyncio.sleep(0.2)
            assert len(consumer._waiting) <= 2000
            assert sum(len(item.data) for item in consumer._waiting) <= 64_000_000
    await consumer.close()
    assert positions == list(range(1, count + 1))
    assert consumer.restarts == 0


async def test_a_selection_is_the_same_wherever_it_begins(connection: NatsClient) -> None:
    log, client = JetStreamLog(connection), Client(connection)
    mine, other = run(), run()
    task = Aggregate("task_run", str(uuid4()))
    await append_to(
        log,
        [
            *drafts(mine, run_created(tags=("a",))),
            *drafts(other, run_created(tags=("b",)).model_copy(update={"flow_id": uuid4()})),
            *drafts(task, task_created(flow_run_id=UUID(mine.id))),
            *drafts(mine, run_moved(state("RUNNING"))),
            *drafts(mine, FlowRunUpdated(changes=FlowRunChanges(tags=("b",)))),
            *drafts(other, run_moved(state("RUNNING"))),
            *drafts(mine, run_moved(state("FAILED"))),
        ],
    )

    async def positions(which: EventFilter, start: int) -> list[int]:
        return [item.position async for item in client.replay(which, start)]

    for which, expected in (
        (EventFilter(flow=FLOW_ID), [1, 3, 4, 5, 7]),
        (EventFilter(kind="flow_run", flow=FLOW_ID), [1, 4, 5, 7]),
        (EventFilter(kind="task_run", flow=FLOW_ID), [3]),
        (EventFilter(tags=("b",)), [2, 5, 6, 7]),
        (EventFilter(tags=("b",), action="state.accepted"), [6, 7]),
        (EventFilter(tags=("a", "b")), []),
        (EventFilter(flow=uuid4()), []),
        (EventFilter(deployment=uuid4()), []),
    ):
        for start in range(1, 9):
            assert await positions(which, start) == [position for position in expected if position >= start]


async def test_what_is_kept_of_origins_is_limited(connection: NatsClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("antiphon.events.client.run_context._CAPACITY", 2)
    log = JetStreamLog(connection)
    runs = [run() for _ in range(5)]
    await append_to(log, [draft for one in runs for draft in drafts(one, run_created(), run_moved(state("RUNNING")))])
    contexts = RunContexts(log.history)
    for one in runs:
        for item in await read_all(log, one):
            assert (await contexts.of(item)).flow == str(FLOW_ID)
    assert len(contexts._known) == 2
