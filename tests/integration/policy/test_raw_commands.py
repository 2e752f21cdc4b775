"""A NATS client with nothing but a publish is a whole client: no headers, no library, no confirmation."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import orjson
import pytest
from nats.aio.client import Client as NatsClient

from antiphon.events.client.client import Client
from antiphon.events.document.commands import CreateFlow
from antiphon.events.flow_run.commands import CreateFlowRun
from antiphon.events.outcome import Outcome, Status
from tests.integration.policy.conftest import PolicyProcess

DEADLINE_SECONDS = 60
BODY = b'{"state":{"type":"RUNNING"}}'


async def new_runs(client: Client, count: int) -> list[UUID]:
    flow = await client.decide(uuid4(), CreateFlow(data={"name": "flow"}))
    runs = [uuid4() for _ in range(count)]
    for run in runs:
        await client.decide(run, CreateFlowRun(flow_id=UUID(flow.aggregate_id)))
    return runs


@pytest.mark.usefixtures("policy")
async def test_a_publish_without_headers_moves_a_run(client: Client, connection: NatsClient) -> None:
    (run,) = await new_runs(client, 1)
    states = await connection.subscribe(f"evt.flow_run.{run}.state.*")
    await connection.publish(f"cmd.flow_run.{run}.set_state", BODY)
    message = await states.next_msg(timeout=DEADLINE_SECONDS)
    assert message.subject == f"evt.flow_run.{run}.state.accepted"
    assert orjson.loads(message.data)["state"]["type"] == "RUNNING"
    assert message.headers is not None
    occurred = datetime.fromisoformat(message.headers["ce-time"])
    assert abs(datetime.now(UTC) - occurred) < timedelta(seconds=DEADLINE_SECONDS)


@pytest.mark.usefixtures("policy")
async def test_a_request_without_headers_is_answered(client: Client, connection: NatsClient) -> None:
    (run,) = await new_runs(client, 1)
    answer = await connection.request(f"ask.flow_run.{run}.set_state", BODY, timeout=DEADLINE_SECONDS)
    outcome = Outcome.model_validate_json(answer.data)
    assert (outcome.status, outcome.aggregate_id) == (Status.ACCEPT, str(run))


async def test_a_command_without_an_id_is_decided_once_however_often_the_policy_is_killed(
    client: Client, connection: NatsClient, policy_process: PolicyProcess
) -> None:
    runs = await new_runs(client, 60)
    states = await connection.subscribe("evt.flow_run.*.state.accepted")
    dice = random.Random(5)  # noqa: S311  repeatable
    for run in runs:
        await connection.publish(f"cmd.flow_run.{run}.set_state", BODY)
    await connection.flush()
    moved = list[str]()
    async with asyncio.timeout(DEADLINE_SECONDS):
        while len(moved) < len(runs):
            # Kill behind an append, before or amid the acknowledgements.
            for _ in range(dice.randint(1, 30)):
                if len(moved) < len(runs):
                    moved.append((await states.next_msg(timeout=DEADLINE_SECONDS)).subject.split(".")[2])
            policy_process.kill()
            policy_process.start()
        while (await connection.jetstream().stream_info("COMMANDS")).state.messages:
            await asyncio.sleep(0.02)
    assert policy_process.starts > 2
    assert states.pending_msgs == 0
    assert sorted(moved) == sorted(map(str, runs))
