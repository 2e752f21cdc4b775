"""The client with an Antiphon in memory does what the client does on NATS."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import nats
import pytest

from antiphon import testing
from antiphon.client import (
    AcquireLease,
    Client,
    CommandEnvelope,
    CreateDeployment,
    CreateFlow,
    CreateFlowRun,
    CreateLimit,
    Event,
    EventFilter,
    NoSuchPositionError,
    Recorded,
    ReleaseLease,
    StateType,
    StateWritten,
)
from antiphon.events.log.nats.provision import provision
from antiphon.events.outcome import Outcome
from antiphon.events.subjects import Aggregate
from antiphon.services.policy import main
from antiphon.services.runtime.settings import Settings
from tests.examples import set_state

DEADLINE_SECONDS = 60
FLOW, DEPLOYMENT, RUN, OTHER_RUN, LIMIT, LEASE = (uuid4() for _ in range(6))
FIRST, SECOND = uuid4(), uuid4()


@pytest.fixture(params=["memory", "nats"])
async def client(request: pytest.FixtureRequest) -> AsyncIterator[Client]:
    if request.param == "memory":
        async with testing.memory(datetime.now(UTC)) as memory:
            yield memory
        return
    url = request.getfixturevalue("nats_url")
    connection = await nats.connect(url)
    await provision(connection)
    # It decides without PostgreSQL.
    settings = Settings(nats_url=url, postgres_url="postgresql://127.0.0.1:1/nothing")
    policy = asyncio.create_task(main.run(settings))
    yield Client(connection, timeout_seconds=DEADLINE_SECONDS)
    assert not policy.done(), "the policy ended"
    policy.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await policy
    await connection.close()


def _state_type(event: Event) -> str:
    assert isinstance(event, StateWritten)
    return event.state.type.value


async def prepared(client: Client) -> list[Outcome]:
    """A deployment with one slot and two runs, and a limit with one slot."""
    data = {"name": "deployment", "flow_id": str(FLOW), "concurrency_limit": 1}
    run = CreateFlowRun(flow_id=FLOW, deployment_id=DEPLOYMENT, from_deployment=True, name="run", tags=("blue",))
    return [
        await client.decide(FLOW, CreateFlow(data={"name": "flow"}), actor="test", command_id=FIRST),
        await client.decide(DEPLOYMENT, CreateDeployment(data=data)),
        await client.decide(RUN, run),
        await client.decide(OTHER_RUN, run),
        await client.decide(LIMIT, CreateLimit(name="limit", limit=1)),
    ]


async def test_decisions_are_those_of_the_policy(client: Client) -> None:
    told = await prepared(client)
    told += [
        await client.decide(uuid4(), CreateFlow(data={"name": "flow"})),
        await client.decide(RUN, set_state("PENDING").changed(client_version="3.8.8")),
        await client.decide(OTHER_RUN, set_state("PENDING").changed(client_version="3.8.8")),
        await client.decide(RUN, set_state("RUNNING")),
        await client.decide(RUN, set_state("COMPLETED")),
        await client.decide(RUN, set_state("CANCELLING")),
        await client.decide(uuid4(), set_state("RUNNING")),
        await client.decide(LEASE, AcquireLease(names=("limit",), slots=1, seconds=60)),
        await client.decide(uuid4(), AcquireLease(names=("limit",), slots=1, seconds=60)),
        await client.decide(LEASE, ReleaseLease()),
        await client.decide(FLOW, CreateFlow(data={"name": "flow"}), command_id=FIRST),
        await client.decide(FLOW, CreateFlow(data={"name": "another"}), command_id=FIRST),
        await client.decide("no-uuid", CreateFlow(data={"name": "x"})),
        await client.decide(FLOW, CreateFlow(data={"name": 5})),
    ]
    statuses = "CREATED CREATED CREATED CREATED CREATED EXISTS ACCEPT REJECT ACCEPT ACCEPT ABORT NOT_FOUND CREATED WAIT"
    assert [outcome.status.value for outcome in told] == [
        *statuses.split(),
        *("DELETED", "CREATED", "INVALID", "INVALID", "INVALID"),
    ]
    assert told[15] == told[0]
    assert (told[7].rule, told[7].state and told[7].state.name) == (
        "SecureFlowConcurrencySlots",
        "AwaitingConcurrencySlot",
    )
    positions = [item.position async for item in client.replay()]
    assert positions == list(range(1, await client.last_position() + 1))
    assert [outcome.position for outcome in told[:5]] == [2, 6, 7, 8, 10]


async def test_published_commands_are_decided_in_order(client: Client) -> None:
    await prepared(client)
    moves = [CommandEnvelope(RUN, set_state(kind), uuid4()) for kind in ("RUNNING", "PAUSED", "RUNNING")]
    await client.publish_many(moves, actor="many")
    last = await client.publish(RUN, set_state("COMPLETED"), actor="one", command_id=SECOND)
    seen: list[tuple[Any, ...]] = []
    async with asyncio.timeout(DEADLINE_SECONDS):
        async for item in client.subscribe(EventFilter("flow_run", RUN, "state.*"), from_position=1):
            assert isinstance(item, Recorded)
            seen.append((item.metadata.command_id, item.metadata.actor, _state_type(item.event)))
            if item.metadata.command_id == last == SECOND:
                break
    ids = [envelope.command_id for envelope in moves]
    assert seen[1:] == [
        *zip(ids, ["many"] * 3, ["RUNNING", "PAUSED", "RUNNING"], strict=True),
        (SECOND, "one", "COMPLETED"),
    ]


async def test_filters_select_the_same_and_histories_are_whole(client: Client) -> None:
    await prepared(client)
    await client.decide(RUN, set_state("RUNNING"))

    async def selected(which: EventFilter) -> list[str]:
        return [item.event.TYPE async for item in client.replay(which) if isinstance(item, Recorded)]

    for which, expected in (
        (EventFilter("flow"), ["flow.created"]),
        (EventFilter(id=RUN), ["flow_run.state.created", "flow_run.state.accepted"]),
        (EventFilter(tags=("blue",), state_type=StateType.RUNNING), ["flow_run.state.accepted"]),
        (EventFilter(deployment=DEPLOYMENT, decision="accepted"), ["flow_run.state.accepted"]),
        (EventFilter(flow=FLOW, action="created"), ["flow.created"]),
    ):
        assert await selected(which) == expected
    history = await client.history(Aggregate("flow_run", str(RUN)))
    assert [item async for item in client.replay(EventFilter(id=RUN))] == list(history)
    assert await client.history(Aggregate("flow_run", str(uuid4()))) in ([], ())


async def test_moments_have_positions(client: Client) -> None:
    await prepared(client)
    end = await client.last_position()
    assert await client.first_position(datetime(2020, 1, 1, tzinfo=UTC)) == 1
    assert await client.last_position(datetime(2020, 1, 1, tzinfo=UTC)) == 0
    last = [item async for item in client.replay(from_position=end)][-1]
    assert last.recorded_at is not None
    assert await client.last_position(last.recorded_at) == end
    with pytest.raises(NoSuchPositionError):
        await client.last_position(end + 1)


async def test_a_reply_has_the_events_if_asked_for(client: Client) -> None:
    await prepared(client)
    reply = await client.request(RUN, set_state("RUNNING"), with_events=True)
    assert [event.TYPE for event in reply.events] == ["flow_run.state.accepted"]
    assert reply.outcome.position == await client.last_position()
    assert reply.occurred_at.tzinfo is not None


async def test_verbs_send_the_usual_commands(client: Client) -> None:
    flow = await client.flows.create("etl")
    assert flow.is_accepted
    created = await client.flow_runs.create(flow.aggregate_id, name="nightly", tags=("a",), actor="me")
    run_id = created.aggregate_id
    assert (await client.flow_runs.set_state(run_id, StateType.RUNNING)).is_accepted
    task = await client.task_runs.create("extract", "0", flow_run_id=UUID(run_id))
    assert (await client.task_runs.set_state(task.aggregate_id, StateType.RUNNING)).is_accepted
    cancelled = await client.flow_runs.cancel(run_id)
    assert cancelled.state is not None
    assert cancelled.state.type is StateType.CANCELLING
    folded = await client.state(run_id)
    assert (folded.name, folded.tags, folded.state.type) == ("nightly", ("a",), StateType.CANCELLING)
    resumed = await client.flow_runs.resume(run_id)
    assert not resumed.is_accepted
    assert resumed.reason
    assert (await client.task_runs.delete(task.aggregate_id)).is_accepted
    assert (await client.flow_runs.delete(run_id)).is_accepted
    assert (await client.state(run_id)).is_deleted
    assert (await client.flow_runs.cancel(run_id)).is_refused
