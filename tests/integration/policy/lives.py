"""Lives of flow runs as commands with fixed ids, and what must be true of them however often something was killed."""

from __future__ import annotations

import asyncio
from collections.abc import Container
from dataclasses import dataclass
from uuid import UUID, uuid4

from antiphon.events.client.client import Client, CommandEnvelope
from antiphon.events.document.commands import CreateFlow
from antiphon.events.flow_run.commands import CreateFlowRun, SetFlowRunState
from antiphon.events.log.errors import LogUnavailableError
from antiphon.events.log.port import EventLog, Recorded
from antiphon.events.outcome import Outcome, Status
from antiphon.events.subjects import Aggregate
from antiphon.services.policy.service.folds import Fold
from tests.examples import proposed
from tests.log import read_all

DEADLINE_SECONDS = 60
MOVES = ("RUNNING", "PAUSED", "RUNNING", "COMPLETED")
STATUSES = [Status.CREATED, *[Status.ACCEPT] * len(MOVES)]


@dataclass(frozen=True, slots=True)
class Life:
    """A run, and the commands that make up its life, in order."""

    run: UUID
    commands: tuple[CommandEnvelope, ...]

    @property
    def aggregate(self) -> Aggregate:
        """Its event stream."""
        return Aggregate("flow_run", str(self.run))


async def new_lives(client: Client, count: int) -> list[Life]:
    """A flow, and lives of runs of it that nobody has begun to live."""
    flow = await client.decide(uuid4(), CreateFlow(data={"name": f"flow {uuid4()}"}))
    return [_life(uuid4(), UUID(flow.aggregate_id)) for _ in range(count)]


def _life(run: UUID, flow_id: UUID) -> Life:
    create = CommandEnvelope(run, CreateFlowRun(flow_id=flow_id), uuid4())
    moves = [CommandEnvelope(run, SetFlowRunState(state=proposed(kind)), uuid4()) for kind in MOVES]
    return Life(run, (create, *moves))


def interleaved(lives: list[Life]) -> list[CommandEnvelope]:
    """The first command of every life, then the second, and so on."""
    return [command for step in zip(*(life.commands for life in lives), strict=True) for command in step]


async def decide_surely(client: Client, command: CommandEnvelope) -> Outcome:
    """Ask until there is an answer, with the same id: what was asked twice is decided once."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            try:
                return await client.decide(command.aggregate_id, command.command, command_id=command.command_id)
            except LogUnavailableError:
                continue


async def publish_surely(client: Client, commands: list[CommandEnvelope]) -> None:
    """Publish until it is confirmed: what was published twice is decided once."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            try:
                await client.publish_many(commands)
            except LogUnavailableError:
                continue
            return


async def live(client: Client, life: Life) -> list[Outcome]:
    """Live a life by asking for one decision after the other."""
    return [await decide_surely(client, command) for command in life.commands]


async def has_ended(log: EventLog, life: Life) -> list[Recorded]:
    """The events of a life, once its last command is decided."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            events = list(await read_all(log, life.aggregate))
            if events and events[-1].metadata.command_id == life.commands[-1].command_id:
                return events
            await asyncio.sleep(0.02)


async def assert_decided_once(
    client: Client,
    log: EventLog,
    life: Life,
    told: list[Outcome] | None = None,
    over_http: Container[int] = (),
) -> None:
    """Each command was decided once, in order; asked again, it gets what the log says it was told, bit for bit.

    Not those that were requests over HTTP, whose Idempotency-Key was the command id: a command on NATS is another.
    """
    events = await has_ended(log, life)
    ids = [command.command_id for command in life.commands]
    assert [event.metadata.command_id for event in events] == ids
    recorded = (await Fold.empty(life.aggregate).replay(log)).outcomes
    expected = [_bytes(recorded[number].outcome) for number in ids]
    assert [recorded[number].outcome.status for number in ids] == STATUSES
    if told is not None:
        assert [_bytes(outcome) for outcome in told] == expected
    for number, command in enumerate(life.commands):
        if number not in over_http:
            assert _bytes(await decide_surely(client, command)) == expected[number]
    assert len(await read_all(log, life.aggregate)) == len(events)


def _bytes(outcome: Outcome) -> str:
    return outcome.model_dump_json(exclude_unset=True)
