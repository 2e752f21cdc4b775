"""Subscriptions to changes of states, and runs as they were."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from datetime import datetime
from uuid import uuid4

import pytest
from nats.aio.client import Client as NatsClient

from antiphon import testing
from antiphon.client import (
    AntiphonError,
    Client,
    EventFilter,
    FlowRunChanges,
    FlowRunUpdated,
    InvalidArgumentError,
    LogUnavailableError,
    NoSuchPositionError,
    NoSuchRunError,
    SetFlowRunState,
    StateType,
    SubscriptionError,
    SyncClient,
    TooLargeError,
    UndecodableError,
)
from antiphon.events import subjects
from antiphon.events.log.nats.jetstream import JetStreamLog
from antiphon.events.log.port import EventLog
from antiphon.events.subjects import Aggregate
from tests.acceptance.server import free_port
from tests.contract.client.changes import DEADLINE_SECONDS, WATCHER, add, moves, positions, run
from tests.examples import run_created, run_moved, set_state, state, task_created
from tests.servers import NatsServer


async def test_without_a_name_changes_come_in_order_from_a_position(both: tuple[Client, EventLog]) -> None:
    client, log = both
    one, task = run(), Aggregate("task_run", str(uuid4()))
    await add(log, one, run_created(tags=("a",)), run_moved(state("RUNNING")))
    await add(log, task, task_created())
    await add(log, one, FlowRunUpdated(changes=FlowRunChanges(tags=("b",))), run_moved(state("FAILED")))
    assert await positions(client, 4, None, since=1) == [1, 2, 3, 5]
    assert await positions(client, 2, None, since=2, kind="flow_run") == [2, 5]
    assert await positions(client, 1, None, since=1, state=StateType.FAILED) == [5]
    assert await positions(client, 1, None, since=1, tags=("b",)) == [5]
    following = asyncio.create_task(positions(client, 1, None))
    while not following.done():
        await add(log, one, run_moved(state("RUNNING")))
        await asyncio.sleep(0.05)
    assert (await following)[0] > 5


async def test_a_run_is_folded_as_of_a_moment(both: tuple[Client, EventLog]) -> None:
    client, log = both
    one, task = run(), Aggregate("task_run", str(uuid4()))
    await add(log, one, run_created(tags=("a",)), run_moved(state("RUNNING"), run_count=1))
    await add(log, one, FlowRunUpdated(changes=FlowRunChanges(tags=("b",), name="other")))
    await add(log, task, task_created())
    then, now = await client.state(one.id, as_of=1), await client.state(one.id)
    assert (then.state.type, then.name, then.tags, then.position) == (StateType.PENDING, "run", ("a",), 1)
    assert (now.state.type, now.name, now.tags, now.position) == (StateType.RUNNING, "other", ("b",), 3)
    assert now.progress.run_count == 1
    assert await client.state(one.id, as_of=now.recorded_at) == now
    assert (await client.state(task.id)).kind == "task_run"
    assert [item.position for item in await client.history(one.id)] == [1, 2, 3]
    with pytest.raises(NoSuchRunError):
        await client.state(task.id, as_of=3)
    with pytest.raises(NoSuchPositionError):
        await client.state(one.id, as_of=9)


async def test_a_name_continues_behind_what_was_handled(client: Client, log: JetStreamLog) -> None:
    await moves(log, 6)
    assert await positions(client, 2, since=1) == [1, 2]
    seen = []
    async with aclosing(client.state_changes(WATCHER)) as changes:
        async for change in changes:
            seen.append(change.position)
            if len(seen) == 2:
                # The second is not handled: the loop does not ask for another one.
                break
    assert seen == [3, 4]
    assert await positions(client, 3) == [4, 5, 6]


async def test_what_a_block_could_not_handle_comes_again(client: Client, log: JetStreamLog) -> None:
    await moves(log, 3)
    tries: list[int] = []
    async with asyncio.timeout(DEADLINE_SECONDS), aclosing(client.state_changes(WATCHER, since=1)) as changes:
        async for change in changes:
            with suppress(ZeroDivisionError):
                async with change:
                    tries.append(change.position)
                    assert 1 // (len(tries) - 1) >= 0
            if len(tries) == 4:
                break
    assert sorted(tries) == [1, 1, 2, 3]


async def test_a_loop_that_ends_with_an_exception_has_not_handled_its_change(client: Client, log: JetStreamLog) -> None:
    await moves(log, 3)

    async def fail() -> None:
        async for change in client.state_changes(WATCHER, since=1):
            raise LookupError(change.position)

    with pytest.raises(LookupError):
        await fail()
    # It may come behind newer ones.
    assert sorted(await positions(client, 3)) == [1, 2, 3]


async def test_a_program_without_asyncio_reads_the_same(
    client: Client, log: JetStreamLog, nats_server: NatsServer
) -> None:
    await moves(log, 3)

    def read() -> list[int]:
        with SyncClient.connect(nats_server.url) as sync:
            seen = []
            for change in sync.state_changes(WATCHER, since=1):
                seen.append(change.position)
                if change.position == 2:
                    break
            assert [item.position for item in sync.replay(from_position=2)] == [2, 3]
            assert [item.position for item in sync.history(change.run_id)] == [1, 2, 3]
            assert sync.state(change.run_id, as_of=1).state.type is StateType.PENDING
            return seen

    assert await asyncio.to_thread(read) == [1, 2]
    assert await positions(client, 2) == [2, 3]
    with pytest.raises(NoSuchRunError):
        await asyncio.to_thread(read_missing, nats_server.url)


def read_missing(url: str) -> None:
    with SyncClient.connect(url) as sync:
        sync.state(uuid4())


async def test_a_name_has_one_filter_until_it_is_deleted(client: Client, log: JetStreamLog) -> None:
    await moves(log, 2)
    assert await positions(client, 1, since=1) == [1]
    for which in ({"state": StateType.FAILED}, {"kind": "flow_run"}, {"tags": ("a",)}):
        with pytest.raises(SubscriptionError):
            await positions(client, 1, **which)
    async with asyncio.timeout(DEADLINE_SECONDS), aclosing(client.state_changes(WATCHER)) as changes:
        async with await anext(changes) as change:
            assert change.position == 2
        waiting = asyncio.ensure_future(anext(changes))
        await asyncio.sleep(0.1)
        await client.delete_subscription(WATCHER)
        with pytest.raises(SubscriptionError):
            await waiting
    with pytest.raises(SubscriptionError):
        await client.delete_subscription(WATCHER)
    assert await positions(client, 2, since=1, tags=()) == [1, 2]


async def test_a_name_selects_by_content(client: Client, log: JetStreamLog) -> None:
    one = run()
    await add(log, one, run_created(tags=("a",)), run_moved(state("FAILED")))
    await add(log, one, FlowRunUpdated(changes=FlowRunChanges(tags=("b",))), run_moved(state("FAILED")))
    assert await positions(client, 2, "failures", since=1, state=StateType.FAILED) == [2, 4]
    assert await positions(client, 1, "tagged", since=1, state=StateType.FAILED, tags=("b",)) == [4]


async def test_memory_keeps_no_position_under_a_name() -> None:
    async with testing.memory() as memory:
        with pytest.raises(SubscriptionError, match="leave the name out"):
            await positions(memory, 1)
        with pytest.raises(SubscriptionError):
            await memory.delete_subscription(WATCHER)


async def test_what_cannot_be_read_is_not_skipped(connection: NatsClient, client: Client) -> None:
    await connection.jetstream().publish(subjects.event(run(), "state.odd"), b"?")
    for name in (None, WATCHER):
        with pytest.raises(UndecodableError, match="position 1"):
            await positions(client, 1, name, since=1)


async def test_all_errors_have_one_root(connection: NatsClient, client: Client) -> None:
    large = set_state("RUNNING", data="x" * connection.max_payload)
    assert isinstance(large, SetFlowRunState)
    for send in (client.decide, client.publish):
        with pytest.raises(TooLargeError):
            await send(uuid4(), large)
        with pytest.raises(InvalidArgumentError):
            await send("a b", set_state("RUNNING"))
    with pytest.raises(InvalidArgumentError):
        EventFilter(kind="odd")
    with pytest.raises(InvalidArgumentError):
        client.state_changes("a.b")
    with pytest.raises(InvalidArgumentError):
        client.state_changes(since=0)
    with pytest.raises(InvalidArgumentError):
        await client.first_position(datetime(2026, 1, 1))  # noqa: DTZ001  that is the error
    with pytest.raises(LogUnavailableError):
        async with Client.connect(f"nats://127.0.0.1:{free_port()}", timeout_seconds=0.3):
            pass
    await connection.close()
    with pytest.raises(AntiphonError):
        await positions(client, 1)
    with pytest.raises(AntiphonError):
        await client.state(uuid4())
    with pytest.raises(AntiphonError):
        await client.publish(uuid4(), set_state("RUNNING"))
