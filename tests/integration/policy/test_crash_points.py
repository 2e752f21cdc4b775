"""SIGKILL at any moment, for the policy and the server under it: every command is decided exactly once, in order."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from uuid import UUID

import pytest
from nats.aio.client import Client as NatsClient

from antiphon.events import subjects
from antiphon.events.client.client import Client
from antiphon.events.document.commands import CreateFlow
from antiphon.events.flow_run.commands import CreateFlowRun
from antiphon.events.log.errors import LogUnavailableError
from antiphon.events.log.nats.jetstream import JetStreamLog
from antiphon.events.outcome import Status
from tests.integration.policy.conftest import PolicyProcess
from tests.integration.policy.lives import (
    DEADLINE_SECONDS,
    Life,
    assert_decided_once,
    decide_surely,
    interleaved,
    live,
    new_lives,
    publish_surely,
)
from tests.servers import NatsServer

EVENTS_OF_A_LIFE = 5
#: Published in chunks of this size, so that the policy finds work of all sizes.
CHUNK = 7


async def position(log: JetStreamLog) -> int:
    """The end of the log, once the server says it."""
    while True:
        try:
            return await log.last_position()
        except LogUnavailableError:
            continue


async def kill_amid_work(
    log: JetStreamLog, kill: Callable[[], None], dice: random.Random, *, times: int, lives: int
) -> None:
    """Kill whenever some more events are in the log: somewhere between append, reply and acknowledgement."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        end = await position(log) + lives * EVENTS_OF_A_LIFE
        for _ in range(times):
            goal = min(await position(log) + dice.randint(1, 60), end)
            while await position(log) < goal:
                await asyncio.sleep(dice.uniform(0, 0.004))
            kill()


async def publish_slowly(client: Client, lives: list[Life]) -> None:
    commands = interleaved(lives)
    for start in range(0, len(commands), CHUNK):
        await publish_surely(client, commands[start : start + CHUNK])


async def assert_queue_is_empty(connection: NatsClient) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while (await connection.jetstream().stream_info(subjects.COMMANDS)).state.messages:
            await asyncio.sleep(0.01)
    assert (await connection.jetstream().stream_info(subjects.PARKED)).state.messages == 0


@pytest.mark.parametrize("seed", [1, 2])
async def test_invariant_09_a_policy_that_is_killed_again_and_again(
    client: Client, connection: NatsClient, policy_process: PolicyProcess, seed: int
) -> None:
    def kill() -> None:
        assert policy_process.is_running
        policy_process.kill()
        policy_process.start()

    log = JetStreamLog(connection)
    published, asked = await new_lives(client, 120), await new_lives(client, 12)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(publish_slowly(client, published))
        answers = [tasks.create_task(live(client, life)) for life in asked]
        tasks.create_task(kill_amid_work(log, kill, random.Random(seed), times=4, lives=132))  # noqa: S311  repeatable
    assert policy_process.starts == 5
    for life in published:
        await assert_decided_once(client, log, life)
    for life, answer in zip(asked, answers, strict=True):
        await assert_decided_once(client, log, life, answer.result())
    await assert_queue_is_empty(connection)


async def test_invariant_07_a_server_that_is_killed_under_the_policy_keeps_what_it_confirmed(
    client: Client,
    impatient: Client,
    connection: NatsClient,
    policy_process: PolicyProcess,
    nats_server: NatsServer,
) -> None:
    def kill() -> None:
        nats_server.kill()
        nats_server.start()

    log = JetStreamLog(connection)
    published, asked = await new_lives(client, 60), await new_lives(client, 6)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(publish_slowly(impatient, published))
        answers = [tasks.create_task(live(impatient, life)) for life in asked]
        tasks.create_task(kill_amid_work(log, kill, random.Random(3), times=2, lives=66))  # noqa: S311  repeatable
    # The last kill may be just now: a request that is sent meanwhile is lost.
    await position(log)
    for life in published:
        await assert_decided_once(impatient, log, life)
    for life, answer in zip(asked, answers, strict=True):
        await assert_decided_once(impatient, log, life, answer.result())
    await assert_queue_is_empty(connection)
    # It lived through both: the server's death is not the policy's.
    assert policy_process.is_running
    assert policy_process.starts == 1


async def test_who_waits_for_a_decision_gets_it_from_the_next_policy(
    client: Client, policy_process: PolicyProcess
) -> None:
    (life,) = await new_lives(client, 1)
    policy_process.kill()
    waiting = asyncio.create_task(client.decide(life.run, life.commands[0].command))
    policy_process.start()
    assert (await waiting).status is Status.CREATED


async def test_invariant_05_a_repeated_command_gets_the_recorded_outcome_after_a_restart(
    client: Client, policy_process: PolicyProcess
) -> None:
    flow_id = UUID(int=5)
    first = await client.decide(flow_id, CreateFlow(data={"name": "flow"}), command_id=UUID(int=1))
    run = await client.decide(UUID(int=6), CreateFlowRun(flow_id=flow_id), command_id=UUID(int=2))
    (life,) = await new_lives(client, 1)
    refused = await decide_surely(client, life.commands[0])
    policy_process.kill()
    policy_process.start()
    assert await client.decide(flow_id, CreateFlow(data={"name": "flow"}), command_id=UUID(int=1)) == first
    assert await client.decide(UUID(int=6), CreateFlowRun(flow_id=flow_id), command_id=UUID(int=2)) == run
    assert await decide_surely(client, life.commands[0]) == refused
