"""The policy as a process that is killed, and the server under it too: every command is decided exactly once."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from uuid import UUID, uuid4

import nats
import pytest

from events.client import Addressed, Client, EventFilter
from events.document.commands import CreateFlow
from events.flow_run.commands import CreateFlowRun, SetFlowRunState
from events.flow_run.events import FlowRunTransitionAccepted
from events.log.errors import LogUnavailableError
from events.log.port import Recorded
from events.log.provision import provision
from events.outcome import Status
from tests.examples import proposed
from tests.servers import NatsServer

RUNS = 60
DEADLINE_SECONDS = 90


@pytest.fixture
async def client(nats_server: NatsServer) -> AsyncIterator[Client]:
    connection = await nats.connect(nats_server.url, max_reconnect_attempts=-1, reconnect_time_wait=0.1)
    await provision(connection)
    yield Client(connection, timeout_seconds=5)
    await connection.close()


class Policy:
    """A policy process that can be killed and started again."""

    def __init__(self, nats_url: str) -> None:
        self._environment = os.environ | {"ANTIPHON_NATS_URL": nats_url, "ANTIPHON_POSTGRES_URL": "postgresql://none"}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "services.policy"], env=self._environment, stderr=subprocess.DEVNULL
        )

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None


@pytest.fixture
def policy(nats_server: NatsServer) -> Iterator[Policy]:
    process = Policy(nats_server.url)
    process.start()
    yield process
    process.kill()


async def lives(client: Client) -> list[Addressed]:
    """A flow, and the commands that make up the lives of its runs, interleaved."""
    flow = await client.decide(uuid4(), CreateFlow(data={"name": "flow"}))
    runs = [uuid4() for _ in range(RUNS)]
    commands: list[Addressed] = [
        Addressed(run, CreateFlowRun(flow_id=UUID(flow.aggregate_id)), uuid4()) for run in runs
    ]
    for kind in ("RUNNING", "COMPLETED"):
        commands += [Addressed(run, SetFlowRunState(state=proposed(kind)), uuid4()) for run in runs]
    return commands


async def decided(client: Client, count: int) -> dict[str, list[str]]:
    """The states that each run went through, once `count` transitions are in the log."""
    states: defaultdict[str, list[str]] = defaultdict(list)
    seen = 0
    async with asyncio.timeout(DEADLINE_SECONDS):
        async for item in client.subscribe(EventFilter("flow_run", action="transition_accepted"), 1):
            assert isinstance(item, Recorded)
            assert isinstance(item.event, FlowRunTransitionAccepted)
            states[item.aggregate.id].append(item.event.state.type.value)
            seen += 1
            if seen == count:
                return states
    return states


async def check(client: Client, commands: list[Addressed]) -> None:
    """Each run lived its life once, in order, and a repeated command adds nothing."""
    states = await decided(client, 3 * RUNS)
    assert list(states.values()) == [["PENDING", "RUNNING", "COMPLETED"]] * RUNS
    end = await client._log.last_position()
    for item in (commands[0], commands[RUNS], commands[-1]):
        outcome = await client.decide(item.aggregate_id, item.command, command_id=item.command_id)
        assert outcome.status in (Status.CREATED, Status.ACCEPT)
    assert await client._log.last_position() == end


async def publish_surely(client: Client, commands: list[Addressed]) -> None:
    """Publish until it is confirmed: what was published twice is decided once."""
    while True:
        try:
            await client.publish_many(commands)
        except LogUnavailableError:
            continue
        return


async def test_invariant_09_a_policy_that_is_killed_again_and_again(client: Client, policy: Policy) -> None:
    commands = await lives(client)
    for start in range(0, len(commands), 30):
        await client.publish_many(commands[start : start + 30])
        policy.kill()
        policy.start()
    await check(client, commands)


async def test_a_server_that_is_killed_under_the_policy(
    client: Client, policy: Policy, nats_server: NatsServer
) -> None:
    commands = await lives(client)
    for start in range(0, len(commands), 60):
        await publish_surely(client, commands[start : start + 60])
        nats_server.kill()
        nats_server.start()
    await check(client, commands)


async def test_who_waits_for_a_decision_gets_it_from_the_next_policy(client: Client, policy: Policy) -> None:
    flow = await client.decide(uuid4(), CreateFlow(data={"name": "flow"}))
    policy.kill()
    waiting = asyncio.create_task(client.decide(uuid4(), CreateFlowRun(flow_id=UUID(flow.aggregate_id))))
    policy.start()
    assert (await waiting).status is Status.CREATED
