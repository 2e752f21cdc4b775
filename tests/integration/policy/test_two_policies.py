"""Two policies at once: whatever each remembers, every decision is one that a single policy could have made."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from random import Random
from uuid import UUID, uuid4

import nats
import pytest
from nats.aio.client import Client as NatsClient

from antiphon.events import codec, subjects
from antiphon.events.client.client import Client
from antiphon.events.document.commands import CreateDeployment, CreateFlow, DeleteDeployment, UpdateDeployment
from antiphon.events.flow_run.commands import CreateFlowRun, SetFlowRunState
from antiphon.events.limit.commands import CreateLimit
from antiphon.events.log.errors import LogUnavailableError
from antiphon.events.log.memory import MemoryLog
from antiphon.events.log.nats.jetstream import JetStreamLog
from antiphon.events.log.nats.provision import provision
from antiphon.events.log.port import EventLog, Recorded
from antiphon.events.message import Command
from antiphon.events.outcome import Outcome
from antiphon.events.task_run.commands import CreateTaskRun, SetTaskRunState
from antiphon.events.work_pool.commands import CreateWorkPool, UpdateWorkPool
from antiphon.services.runtime.clock import ManualClock
from tests.examples import NOW, proposed
from tests.integration.policy.conftest import PolicyProcess
from tests.letters import Desk, Question, question
from tests.servers import NatsServer
from tests.single_policy import assert_one_policy_could_have_decided

FLOW, DEPLOYMENT, POOL = UUID(int=1), UUID(int=2), UUID(int=3)
TAG = "heavy"
RUNS = 40
DEADLINE_SECONDS = 120


def asked(aggregate_id: UUID, command: Command) -> Question:
    return question(aggregate_id, command, uuid4())


def beginning() -> list[Question]:
    deployment = {"name": "d", "flow_id": str(FLOW), "parameters": {"n": 0}, "work_pool_name": "pool"}
    return [
        asked(FLOW, CreateFlow(data={"name": "flow"})),
        asked(POOL, CreateWorkPool(data={"name": "pool", "type": "process"})),
        asked(DEPLOYMENT, CreateDeployment(data=deployment)),
    ]


def configuration() -> Iterator[Question]:
    """Parameters change all the time; the pool pauses, a tag gets a limit, the deployment is deleted in the end."""
    for number in range(1, RUNS + 1):
        yield asked(DEPLOYMENT, UpdateDeployment(changes={"parameters": {"n": number}}))
        if number % 7 == 0:
            yield asked(POOL, UpdateWorkPool(changes={"is_paused": number % 2 == 1}))
        if number == RUNS // 3:
            yield asked(uuid4(), CreateLimit(name=f"tag:{TAG}", limit=2))
        if number == RUNS * 2 // 3:
            yield asked(DEPLOYMENT, DeleteDeployment())


def runs() -> Iterator[Question]:
    """Runs of the deployment, which take its parameters, and task runs with a tag that comes to have a limit."""
    for number in range(RUNS):
        run, task = uuid4(), uuid4()
        yield asked(run, CreateFlowRun(flow_id=FLOW, deployment_id=DEPLOYMENT, from_deployment=True))
        yield asked(run, SetFlowRunState(state=proposed("PENDING")))
        yield asked(run, SetFlowRunState(state=proposed("RUNNING")))
        key = f"task-{number}"
        yield asked(task, CreateTaskRun(flow_run_id=run, task_key=key, dynamic_key="0", tags=(TAG,)))
        yield asked(task, SetTaskRunState(state=proposed("RUNNING")))
        if number % 3 == 0:
            yield asked(task, SetTaskRunState(state=proposed("COMPLETED")))
            yield asked(run, SetFlowRunState(state=proposed("COMPLETED")))


async def events_of(log: EventLog) -> list[Recorded]:
    end = await log.last_position()
    return [item async for batch in log.follow(0, until=end) for item in batch if isinstance(item, Recorded)]


@pytest.fixture(params=["memory", "jetstream"])
async def logs(request: pytest.FixtureRequest) -> AsyncIterator[tuple[EventLog, EventLog]]:
    """The same log twice, as two policies have it."""
    if request.param == "memory":
        log = MemoryLog(ManualClock(NOW))
        yield log, log
        return
    url = request.getfixturevalue("nats_url")
    async with await nats.connect(url) as one, await nats.connect(url) as other:
        await provision(one)
        yield JetStreamLog(one), JetStreamLog(other)


async def test_two_active_policies_do_no_harm(logs: tuple[EventLog, EventLog], monkeypatch: pytest.MonkeyPatch) -> None:
    """Configuration goes through one, runs go through the other, and neither knows of the other."""
    one, other = Desk(logs[0]), Desk(logs[1])
    begun, configured, run = beginning(), list(configuration()), list(runs())
    await one.handle(*begun)
    # The other remembers the deployment as it is now.
    first = asked(uuid4(), CreateFlowRun(flow_id=FLOW, deployment_id=DEPLOYMENT, from_deployment=True))
    await other.handle(first)

    async def go(desk: Desk, letters: list[Question], size: int) -> list[Outcome]:
        told: list[Outcome] = []
        for start in range(0, len(letters), size):
            told += await desk.handle(*letters[start : start + size])
            await asyncio.sleep(0)
        return told

    async with asyncio.timeout(DEADLINE_SECONDS), asyncio.TaskGroup() as tasks:
        changing = tasks.create_task(go(one, configured, 1))
        running = tasks.create_task(go(other, run, 5))
    told = [*changing.result(), *running.result()]
    commands = {outcome.command_id: letter for outcome, letter in zip(told, [*configured, *run], strict=True)}
    commands |= {UUID((letter.headers or {})[subjects.COMMAND_ID]): letter for letter in (*begun, first)}
    await assert_one_policy_could_have_decided(await events_of(logs[0]), commands)


async def test_a_frozen_policy_wakes_up_and_does_no_harm(nats_server: NatsServer, connection: NatsClient) -> None:
    """SIGSTOP and SIGCONT at random: one of two decides, nothing is lost, and nothing is decided twice."""
    processes = [PolicyProcess(nats_server.url), PolicyProcess(nats_server.url)]
    dice = Random(13)  # noqa: S311
    async with AsyncExitStack() as stack:
        for process in processes:
            process.start()
            stack.callback(process.kill)
        client, log = Client(connection, timeout_seconds=60), JetStreamLog(connection)
        letters = beginning()
        for letter in letters:
            await decide(client, letter)

        async def freeze() -> None:
            while True:
                process = dice.choice(processes)
                process.signal(signal.SIGSTOP)
                # Sometimes shorter than it takes to be replaced, sometimes longer.
                await asyncio.sleep(dice.uniform(0.2, 3.5))
                process.signal(signal.SIGCONT)
                await asyncio.sleep(dice.uniform(0.0, 0.5))

        async def send(group: list[Question]) -> None:
            for number, letter in enumerate(group):
                await (publish(connection, letter) if number % 4 == 3 else decide(client, letter))

        freezing = asyncio.create_task(freeze())
        configured, run = list(configuration()), list(runs())
        async with asyncio.timeout(DEADLINE_SECONDS), asyncio.TaskGroup() as tasks:
            tasks.create_task(send(configured))
            for part in range(4):
                tasks.create_task(send(run[part * len(run) // 4 : (part + 1) * len(run) // 4]))
        freezing.cancel()
        for process in processes:
            process.signal(signal.SIGCONT)
        letters += [*configured, *run]
        commands = {UUID((letter.headers or {})[subjects.COMMAND_ID]): letter for letter in letters}
        async with asyncio.timeout(DEADLINE_SECONDS):
            while {item.metadata.command_id for item in await events_of(log)} != set(commands):
                await asyncio.sleep(0.1)
        assert all(process.is_running for process in processes)
        await assert_one_policy_could_have_decided(await events_of(log), commands)


async def decide(client: Client, letter: Question) -> None:
    """Ask until there is an outcome."""
    aggregate, verb = subjects.parse(letter.subject)
    command = codec.decode_command(aggregate, verb, letter.data)
    command_id = UUID((letter.headers or {})[subjects.COMMAND_ID])
    while True:
        try:
            await client.decide(aggregate.id, command, command_id=command_id)
        except LogUnavailableError:
            continue
        return


async def publish(connection: NatsClient, letter: Question) -> None:
    """Put a command into the queue."""
    aggregate, verb = subjects.parse(letter.subject)
    await connection.jetstream().publish(subjects.command(aggregate, verb), letter.data, headers=letter.headers)
