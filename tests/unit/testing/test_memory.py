"""Antiphon in memory: the public client, decided by the real policy."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from antiphon import testing
from antiphon.client import (
    AcquireLease,
    Aggregate,
    Client,
    CommandEnvelope,
    CreateFlow,
    CreateFlowRun,
    CreateLimit,
    EventFilter,
    FlowRunTransitionAccepted,
    NoSuchPositionError,
    ProposedState,
    Recorded,
    SetFlowRunState,
    StateType,
    Status,
)

DEADLINE_SECONDS = 20


def to(kind: StateType) -> SetFlowRunState:
    return SetFlowRunState(state=ProposedState(type=kind))


async def new_run(client: Client) -> UUID:
    flow = await client.decide(uuid4(), CreateFlow(data={"name": "flow"}))
    run_id = uuid4()
    await client.decide(run_id, CreateFlowRun(flow_id=UUID(flow.aggregate_id)))
    return run_id


async def rerun_failed(client: Client) -> None:
    """A reaction, as users write them."""
    async for item in client.subscribe(EventFilter("flow_run", action="state.*"), from_position=1):
        assert isinstance(item, Recorded)
        if isinstance(item.event, FlowRunTransitionAccepted) and item.event.state.type is StateType.FAILED:
            await client.publish(item.aggregate.id, to(StateType.SCHEDULED))


async def test_commands_are_decided_by_the_rules() -> None:
    async with testing.memory() as client:
        assert (await client.decide(uuid4(), to(StateType.RUNNING))).status is Status.NOT_FOUND
        run_id = await new_run(client)
        assert (await client.decide(run_id, to(StateType.RUNNING))).status is Status.ACCEPT
        assert (await client.decide(run_id, to(StateType.FAILED))).status is Status.ACCEPT
        refused = await client.decide(run_id, to(StateType.CANCELLING))
        assert (refused.status, refused.rule) == (Status.ABORT, "HandleFlowTerminalStateTransitions")


async def test_a_published_command_is_decided_when_publish_returns() -> None:
    async with testing.memory() as client:
        run_id = await new_run(client)
        before = await client.last_position()
        await client.publish(run_id, to(StateType.RUNNING), actor="someone")
        commands = [CommandEnvelope(run_id, to(kind), uuid4()) for kind in (StateType.PAUSED, StateType.RUNNING)]
        await client.publish_many(commands)
        events = [item async for item in client.replay(from_position=before + 1)]
        assert [type(item.event) for item in events if isinstance(item, Recorded)] == [FlowRunTransitionAccepted] * 3
        assert isinstance(events[0], Recorded)
        assert events[0].metadata.actor == "someone"
        assert (await client.history(Aggregate("flow_run", str(run_id))))[-3:] == tuple(events)


async def test_a_repeated_command_has_its_recorded_outcome() -> None:
    async with testing.memory() as client:
        run_id, command_id = await new_run(client), uuid4()
        first = await client.decide(run_id, to(StateType.RUNNING), command_id=command_id)
        assert await client.decide(run_id, to(StateType.RUNNING), command_id=command_id) == first
        other = await client.decide(run_id, to(StateType.FAILED), command_id=command_id)
        assert other.status is Status.INVALID
        assert [message.reason for message in client.parked] == ["undecidable"]


async def test_a_reply_has_the_events_if_asked_for() -> None:
    async with testing.memory() as client:
        run_id = await new_run(client)
        reply = await client.request(run_id, to(StateType.RUNNING), with_events=True)
        assert [type(event) for event in reply.events] == [FlowRunTransitionAccepted]
        assert (await client.request(run_id, to(StateType.PAUSED))).events == ()


async def test_a_reaction_is_seen_in_the_events_that_it_causes() -> None:
    async with testing.memory() as client, asyncio.timeout(DEADLINE_SECONDS):
        reaction = asyncio.create_task(rerun_failed(client))
        run_id = await new_run(client)
        for kind in (StateType.RUNNING, StateType.FAILED):
            await client.decide(run_id, to(kind))
        async for item in client.subscribe(EventFilter(id=run_id, state_type=StateType.SCHEDULED), from_position=1):
            assert item.position == await client.last_position()
            break
        reaction.cancel()


async def test_the_clock_is_that_of_commands_decisions_and_the_log() -> None:
    async with testing.memory(datetime(2030, 1, 1, tzinfo=UTC)) as client:
        run_id = await new_run(client)
        moved = await client.decide(run_id, to(StateType.RUNNING))
        assert moved.state is not None
        assert moved.state.timestamp.date() == date(2030, 1, 1)
        client.clock.advance(timedelta(hours=1))
        paused = await client.decide(run_id, to(StateType.PAUSED))
        later = client.clock()
        assert await client.first_position(later) == await client.last_position(later) == paused.position
        client.clock.set(datetime(2031, 1, 1, tzinfo=UTC))
        await client.decide(run_id, to(StateType.RUNNING))
        last = [item async for item in client.replay()][-1]
        assert isinstance(last, Recorded)
        assert last.recorded_at == last.metadata.occurred_at == datetime(2031, 1, 1, tzinfo=UTC)
        assert await client.last_position(later) == paused.position
        with pytest.raises(NoSuchPositionError):
            await client.first_position(client.clock() + timedelta(seconds=1))


async def test_commands_that_are_sent_at_once_are_decided_one_after_the_other() -> None:
    async with testing.memory() as client:
        await client.decide(uuid4(), CreateLimit(name="db", limit=3))
        commands = (client.decide(uuid4(), AcquireLease(names=("db",), slots=1, seconds=60)) for _ in range(20))
        outcomes = await asyncio.gather(*commands)
        assert sorted(outcome.status for outcome in outcomes) == [Status.CREATED] * 3 + [Status.WAIT] * 17


async def test_a_cancelled_command_leaves_the_policy_whole() -> None:
    """Cancelled after each number of steps that deciding may take."""
    async with testing.memory() as client:
        run_id = await new_run(client)
        was_done = False
        for steps in range(200):
            task = asyncio.create_task(client.decide(run_id, to(StateType.RUNNING)))
            for _ in range(steps):
                await asyncio.sleep(0)
            was_done = task.done()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert (await client.decide(run_id, to(StateType.PAUSED))).position == await client.last_position()
            if was_done:
                break
        assert was_done
        assert client.parked == []


async def test_two_are_strangers() -> None:
    async with testing.memory() as one, testing.memory() as other:
        await new_run(one)
        assert await other.last_position() == 0
