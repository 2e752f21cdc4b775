"""How fast the log is replayed and read models are built again: `python -m tests.benchmarks.replay`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from time import monotonic, perf_counter, sleep
from typing import Annotated, Final, NamedTuple

import nats
import psutil
import typer
import uvloop

from antiphon.events.client.client import Client
from antiphon.events.log.port import Recorded
from antiphon.services.cli.status import status
from tests.benchmarks.figures import InvalidRunError
from tests.benchmarks.native_run import measure_native
from tests.benchmarks.servers import data_directory, run_of, running_antiphon
from tests.servers import open_folder

#: Of the events of live transitions.
_GOAL: Final = 10.0
_SAMPLE_SECONDS: Final = 0.2
_DEADLINE_SECONDS: Final = 300.0


class Replayed(NamedTuple):
    """All events of a log, read and decoded."""

    events: int
    seconds: float


class Rebuilt(NamedTuple):
    """One `antiphon rebuild`, and the memory of its process in bytes when it began to fill tables and at its most."""

    seconds: float
    first_memory: int
    most_memory: int


def wait_for_all(directory: Path) -> None:
    """Return when nobody has anything left to read: the read models were awaited, but not, say, Prefect's events."""
    deadline = monotonic() + _DEADLINE_SECONDS
    while True:
        found = asyncio.run(status(directory))
        behind = [item.reader for item in found.lag if item.lag]
        if not found.trouble and not behind:
            return
        if monotonic() > deadline:
            raise InvalidRunError(f"still at work: {', '.join(behind + found.trouble)}")
        sleep(_SAMPLE_SECONDS)


async def replay(nats_url: str) -> Replayed:
    """Read the whole log, with nobody else at work."""
    connection = await nats.connect(nats_url)
    client = Client(connection)
    last, events = await client.last_position(), 0
    began = perf_counter()
    async for item in client.replay():
        events += isinstance(item, Recorded)
    seconds = perf_counter() - began
    await connection.close()
    if events != last:
        raise InvalidRunError(f"{events} of {last} events were read")
    return Replayed(events, seconds)


async def rebuild(nats_url: str, postgres_url: str) -> Rebuilt:
    """Build the read models again, in a process of its own."""
    command = [sys.executable, "-m", "antiphon.services.cli.main", "rebuild"]
    began = perf_counter()
    process = await asyncio.create_subprocess_exec(*command, "--nats-url", nats_url, "--postgres-url", postgres_url)
    ending = asyncio.create_task(process.wait())
    memory: list[int] = []
    while not (await asyncio.wait((ending,), timeout=_SAMPLE_SECONDS))[0]:
        memory.append(psutil.Process(process.pid).memory_info().rss)
    if await ending != 0:
        raise InvalidRunError(f"the rebuild ended with exit code {await ending}")
    # The first fifth is start-up.
    return Rebuilt(perf_counter() - began, memory[len(memory) // 5], max(memory))


def bench(
    runs: Annotated[int, typer.Option(help="Runs in the log, each created, started and completed.")] = 30_000,
) -> None:
    """Publish runs' commands, then replay the log they made, and build the read models again."""
    with open_folder() as directory, running_antiphon(directory) as server:
        live = measure_native(server, runs)
        run = run_of(server)
        wait_for_all(data_directory(server))
        replayed = uvloop.run(replay(run.nats_url))
        rebuilt = uvloop.run(rebuild(run.nats_url, run.postgres_url))
    rate = replayed.events / replayed.seconds
    typer.echo(f"live: {live.transitions_per_second:,.0f} transitions/s")
    typer.echo(
        f"replay: {rate:,.0f} events/s, {rate / live.transitions_per_second:.1f} times the live rate (goal {_GOAL:g})"
    )
    typer.echo(
        f"rebuild: {replayed.events} events in {rebuilt.seconds:.1f} s, {replayed.events / rebuilt.seconds:,.0f}/s"
    )
    typer.echo(
        f"memory of the rebuild: {rebuilt.first_memory / 1e6:.0f} MB, at most {rebuilt.most_memory / 1e6:.0f} MB"
    )


if __name__ == "__main__":
    typer.run(bench)
