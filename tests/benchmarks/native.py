"""Publishes commands on NATS and measures until Postgres shows all that came of them.

`python -m tests.benchmarks.native NATS_URL POSTGRES_URL FLOW_ID RUNS` says `measuring` when it begins, `measured` when
the read model has caught up, and then one line of JSON.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Final
from uuid import UUID, uuid4

import nats
import orjson
import psycopg
import uvloop
from nats.aio.client import Client as NatsClient
from psycopg.rows import TupleRow

from antiphon.events import subjects
from antiphon.events.client.client import Client, CommandEnvelope
from antiphon.events.flow_run.commands import CreateFlowRun, SetFlowRunState
from antiphon.events.state import ProposedState, StateDetails, StateType

#: So many runs move on in step, as with the most clients over HTTP.
_IN_STEP: Final = 64
_POLL_SECONDS: Final = 0.01
_DEADLINE_SECONDS: Final = 120.0
_CHECKPOINT: Final = "SELECT position FROM read_v1.checkpoint WHERE name = 'events'"


@dataclass(frozen=True, slots=True)
class Native:
    """What Antiphon did when commands came over NATS."""

    transitions: int
    transitions_per_second: float
    #: CPU time per process, as a share of one core.
    cpu: Mapping[str, float]


def commands(flow_id: UUID, runs: int) -> Iterator[CommandEnvelope]:
    """Create, start and complete so many runs, 64 of them in step."""
    for first in range(0, runs, _IN_STEP):
        group = [uuid4() for _ in range(min(_IN_STEP, runs - first))]
        yield from (CommandEnvelope(run_id, _create(flow_id), uuid4()) for run_id in group)
        for state_type in (StateType.RUNNING, StateType.COMPLETED):
            yield from (CommandEnvelope(run_id, _set_state(run_id, state_type), uuid4()) for run_id in group)


async def generate(nats_url: str, postgres_url: str, flow_id: UUID, runs: int) -> float:
    """Publish the commands; return the seconds until their last event is visible in Postgres."""
    connection = await nats.connect(nats_url)
    async with (
        Client.connect(nats_url) as client,
        await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as database,
    ):
        _say("measuring")
        started = perf_counter()
        await client.publish_many(commands(flow_id, runs))
        async with asyncio.timeout(_DEADLINE_SECONDS):
            last = await _last_event(connection)
            await _until_visible(database, last)
        seconds = perf_counter() - started
        _say("measured")
    await connection.close()
    return seconds


async def _last_event(connection: NatsClient) -> int:
    # A command leaves its work queue once it is decided and its events are in the log.
    jetstream = connection.jetstream()
    while (await jetstream.stream_info(subjects.COMMANDS)).state.messages:
        await asyncio.sleep(_POLL_SECONDS)
    return (await jetstream.stream_info(subjects.EVENTS)).state.last_seq


async def _until_visible(database: psycopg.AsyncConnection[TupleRow], position: int) -> None:
    while True:
        row = await (await database.execute(_CHECKPOINT)).fetchone()
        if row is not None and row[0] >= position:
            return
        await asyncio.sleep(_POLL_SECONDS)


def _create(flow_id: UUID) -> CreateFlowRun:
    return CreateFlowRun(flow_id=flow_id, parameters={"source": "orders", "batch": 250})


def _set_state(run_id: UUID, state_type: StateType) -> SetFlowRunState:
    details = StateDetails(flow_run_id=run_id, transition_id=uuid4())
    return SetFlowRunState(state=ProposedState(type=state_type, state_details=details))


def main() -> None:
    """Publish one load and print how long it took."""
    nats_url, postgres_url, flow_id, runs = sys.argv[1:]
    seconds = uvloop.run(generate(nats_url, postgres_url, UUID(flow_id), int(runs)))
    _say(orjson.dumps({"seconds": seconds}).decode())


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
