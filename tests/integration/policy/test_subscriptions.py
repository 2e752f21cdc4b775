"""A NATS client with nothing but wildcards sees every state that was written, and every refusal that wrote none."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from nats.aio.client import Client as NatsClient

from antiphon.events.client.client import Client
from antiphon.events.document.commands import CreateFlow
from antiphon.events.flow_run.commands import CreateFlowRun, SetFlowRunState
from antiphon.events.flow_run.events import FlowRunPolicy
from antiphon.events.outcome import Status
from tests.examples import proposed

pytestmark = pytest.mark.usefixtures("policy")


async def test_a_wildcard_shows_every_state_also_one_that_replaced_the_proposed_state(
    client: Client, connection: NatsClient
) -> None:
    states = await connection.subscribe("evt.flow_run.*.state.*")
    refusals = await connection.subscribe("evt.flow_run.*.refused.*")
    flow = await client.decide(uuid4(), CreateFlow(data={"name": "flow"}))
    run, policy = uuid4(), FlowRunPolicy(retries=1, retry_delay=60)
    await client.decide(run, CreateFlowRun(flow_id=UUID(flow.aggregate_id), empirical_policy=policy))
    for kind, status in (("RUNNING", Status.ACCEPT), ("FAILED", Status.REJECT), ("RUNNING", Status.WAIT)):
        outcome = await client.decide(run, SetFlowRunState(state=proposed(kind)))
        assert outcome.status is status

    async def next_of(subscription: Any) -> tuple[str, str]:
        message = await subscription.next_msg(timeout=10)
        body = orjson.loads(message.data)
        return message.subject.removeprefix(f"evt.flow_run.{run}."), body.get("state", body.get("proposed"))["name"]

    assert [await next_of(states) for _ in range(3)] == [
        ("state.created", "Pending"),
        ("state.accepted", "Running"),
        ("state.replaced", "AwaitingRetry"),
    ]
    assert await next_of(refusals) == ("refused.delayed", "Running")
    assert (states.pending_msgs, refusals.pending_msgs) == (0, 0)
