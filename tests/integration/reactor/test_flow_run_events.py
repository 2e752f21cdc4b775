"""The reactor and the policy: every state a flow run enters becomes an event, once."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any
from uuid import UUID, uuid4

import orjson
from nats.aio.client import Client as NatsClient

from antiphon.events import subjects
from antiphon.events.client.client import Client, EventFilter
from antiphon.events.document.commands import CreateFlow, DeleteFlow, UpdateFlow
from antiphon.events.flow_run.commands import CreateFlowRun, SetFlowRunState, UpdateFlowRun
from antiphon.events.flow_run.events import (
    CreatedBy,
    FlowRunChanges,
    FlowRunPolicy,
)
from antiphon.events.log.nats.consumer import OrderedConsumer
from antiphon.events.log.port import Recorded
from antiphon.events.state import ProposedState, StateType
from antiphon.events.transition import StateWritten
from antiphon.services.policy.main import run as run_policy
from antiphon.services.reactor.main import run as run_reactor
from tests.examples import proposed
from tests.integration.policy.lives import interleaved, new_lives
from tests.integration.reactor.conftest import reactor_process, running

DEADLINE_SECONDS = 30.0


async def observed(client: NatsClient, count: int) -> list[dict[str, Any]]:
    """The first `count` events about flow runs on OBSERVED, and whatever else has arrived by then."""
    found: list[dict[str, Any]] = []
    consumer = OrderedConsumer(client, subjects.OBSERVED, subjects=["obs.flow_run.*"])
    async with asyncio.timeout(DEADLINE_SECONDS):
        async for batch in consumer.batches():
            found += [orjson.loads(item.data) for item in batch]
            if len(found) >= count:
                break
    await consumer.close()
    return found


async def entered_states(client: NatsClient) -> list[str]:
    """The ids of all states that flow runs have entered, in the order of the log."""
    found = []
    async for item in Client(client).replay(EventFilter("flow_run")):
        assert isinstance(item, Recorded)
        event = item.event
        if isinstance(event, StateWritten):
            found.append(str(event.state.id))
    return found


async def new_run(commands: Client, flow_tags: list[str], **fields: Any) -> tuple[str, UUID]:
    """A flow, and a run of it."""
    flow = await commands.decide(uuid4(), CreateFlow(data={"name": f"flow {uuid4()}", "tags": flow_tags}))
    run_id = uuid4()
    await commands.decide(run_id, CreateFlowRun(flow_id=UUID(flow.aggregate_id), **fields))
    return flow.aggregate_id, run_id


async def test_an_event_says_what_was_where_from_and_what_it_is_related_to(client: NatsClient, nats_url: str) -> None:
    commands = Client(client)
    async with running(nats_url, run_policy, run_reactor):
        creator = CreatedBy(id=uuid4(), type="DEPLOYMENT", display_value="nightly")
        flow_id, run_id = await new_run(commands, ["b", "a"], name="first", tags=("c", "a"), created_by=creator)
        await commands.decide(run_id, UpdateFlowRun(changes=FlowRunChanges(name="renamed", tags=("d",))))
        await commands.decide(UUID(flow_id), UpdateFlow(changes={"tags": ["z"]}))
        state = ProposedState(type=StateType.RUNNING, message="goes")
        await commands.decide(run_id, SetFlowRunState(state=state))
        pending, running_ = await observed(client, 2)
    assert pending["event"] == "prefect.flow-run.Pending"
    assert pending["payload"]["initial_state"] is None
    assert pending["payload"]["intended"] == {"from": None, "to": "PENDING"}
    assert pending["follows"] is None
    assert running_["follows"] == pending["id"]
    assert running_["payload"] == {
        "intended": {"from": "PENDING", "to": "RUNNING"},
        "initial_state": {"type": "PENDING", "name": "Pending"},
        "validated_state": {"type": "RUNNING", "name": "Running", "message": "goes"},
    }
    resource = running_["resource"]
    assert resource["prefect.resource.id"] == f"prefect.flow-run.{run_id}"
    assert (resource["prefect.resource.name"], resource["prefect.run-count"]) == ("renamed", "1")
    assert (resource["prefect.state-message"], resource["prefect.state-type"]) == ("goes", "RUNNING")
    ids = [item["prefect.resource.id"] for item in pending["related"]]
    tags = [f"prefect.tag.{tag}" for tag in "abc"]
    assert ids == [f"prefect.flow.{flow_id}", *tags, f"prefect.deployment.{creator.id}"]
    assert pending["related"][-1]["prefect.resource.name"] == "nightly"
    assert [item["prefect.resource.id"] for item in running_["related"]][1:3] == ["prefect.tag.d", "prefect.tag.z"]


async def test_a_state_that_a_rule_put_instead_has_an_event_and_a_mere_refusal_has_none(
    client: NatsClient, nats_url: str
) -> None:
    commands = Client(client)
    async with running(nats_url, run_policy, run_reactor):
        _, run_id = await new_run(commands, [], empirical_policy=FlowRunPolicy(retries=1, retry_delay=0))
        for kind in ("RUNNING", "FAILED", "RUNNING", "COMPLETED", "PAUSED"):
            await commands.decide(run_id, SetFlowRunState(state=proposed(kind)))
        events = await observed(client, 5)
    assert [event["id"] for event in events] == await entered_states(client)
    names = ["Pending", "Running", "AwaitingRetry", "Running", "Completed"]
    assert [event["event"] for event in events] == [f"prefect.flow-run.{name}" for name in names]


async def test_a_run_whose_flow_is_gone_still_has_events(client: NatsClient, nats_url: str) -> None:
    commands = Client(client)
    async with running(nats_url, run_policy):
        flow_id, run_id = await new_run(commands, ["tag"])
        await commands.decide(run_id, SetFlowRunState(state=proposed("RUNNING")))
        await commands.decide(UUID(flow_id), DeleteFlow())
    async with running(nats_url, run_policy, run_reactor):
        first, second = await observed(client, 2)
    # As they were when it happened, however late the event is made.
    assert first["related"] == second["related"] != []


async def test_a_reactor_that_is_killed_again_and_again_makes_each_event_once(
    client: NatsClient, nats_url: str
) -> None:
    commands = Client(client)
    dice = Random(8)  # noqa: S311  moments to kill at
    async with running(nats_url, run_policy):
        lives = await new_lives(commands, 60)
        work = asyncio.create_task(commands.publish_many(interleaved(lives)))
        for _ in range(6):
            with reactor_process(nats_url):
                await asyncio.sleep(dice.uniform(0.3, 1.5))
        await work
        async with running(nats_url, run_reactor):
            events = await observed(client, 60 * 5)
            # What is written twice would come before this one.
            _, last = await new_run(commands, [])
            events = await observed(client, len(events) + 1)
    assert events[-1]["resource"]["prefect.resource.id"] == f"prefect.flow-run.{last}"
    assert [event["id"] for event in events] == await entered_states(client)


async def test_two_reactors_make_each_event_once(client: NatsClient, nats_url: str) -> None:
    commands = Client(client)
    async with running(nats_url, run_policy, run_reactor, run_reactor):
        lives = await new_lives(commands, 20)
        for step in range(5):
            await commands.publish_many([life.commands[step] for life in lives])
            await observed(client, 20 * (step + 1))
        await new_run(commands, [])
        events = await observed(client, 101)
    assert [event["id"] for event in events] == await entered_states(client)


async def test_what_cannot_be_read_is_parked_and_does_not_stop_the_rest(client: NatsClient, nats_url: str) -> None:
    parked = await client.jetstream().pull_subscribe("parked.reactor.unreadable.evt.flow_run", stream=subjects.PARKED)
    broken = subjects.event(subjects.Aggregate("flow_run", str(uuid4())), "state.accepted")
    await client.jetstream().publish(broken, b"not json")
    async with running(nats_url, run_policy, run_reactor):
        await new_run(Client(client), [])
        await observed(client, 1)
    (message,) = await parked.fetch(1, timeout=DEADLINE_SECONDS)
    assert message.data == b"not json"
