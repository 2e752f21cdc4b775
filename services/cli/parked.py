"""`antiphon parked`: messages that nobody could handle."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from antiphon.events.log.nats.parked import Parked, ParkedMessages
from antiphon.events.log_position import LAST
from antiphon.services.cli import console, options, servers
from antiphon.services.cli.rendering import moment

_HERE: Final = Path(".antiphon")

app = typer.Typer(help="Messages that nobody could handle.", no_args_is_help=True)

Sequence = Annotated[int, typer.Argument(min=1, max=LAST, help="The number that `antiphon parked list` shows.")]
Everything = Annotated[bool, typer.Option("--all", help="All of them.")]


@asynccontextmanager
async def _messages(data_dir: Path, nats_url: str | None) -> AsyncIterator[ParkedMessages]:
    async with servers.connection(servers.nats_url(data_dir, nats_url)) as client:
        yield ParkedMessages(client)


@app.command("list")
def show_all(data_dir: options.DataDir = _HERE, nats_url: options.NatsUrl = None) -> None:
    """List them, the oldest first."""

    async def work() -> None:
        count = 0
        async with _messages(data_dir, nats_url) as messages:
            async for parked in messages.all():
                count += 1
                console.raw(_line(parked))
        if not count:
            console.progress("nothing", "no message is parked")

    servers.run(work())


@app.command()
def show(sequence: Sequence, data_dir: options.DataDir = _HERE, nats_url: options.NatsUrl = None) -> None:
    """Show one with its headers and its body."""

    async def work() -> None:
        async with _messages(data_dir, nats_url) as messages:
            parked = await _get(messages, sequence)
        console.raw(_line(parked))
        for name, value in parked.headers.items():
            console.raw(f"{name}: {value}")
        console.raw("")
        console.raw(parked.data.decode(errors="replace"))
        if not parked.is_whole:
            console.warning("Only the beginning of the body could be kept.")

    servers.run(work())


@app.command()
def replay(
    sequence: Annotated[int | None, typer.Argument(min=1, max=LAST, help="Which; or --all.")] = None,
    everything: Everything = False,  # noqa: FBT002
    data_dir: options.DataDir = _HERE,
    nats_url: options.NatsUrl = None,
) -> None:
    """Hand one out again, or all: do so when what made it fail is repaired.

    A command is decided, unless it was meanwhile; an observation is recorded; an event stream is projected from where
    it waits.
    """

    async def work() -> None:
        async with _messages(data_dir, nats_url) as messages:
            for number in await _chosen(messages, sequence, everything=everything):
                parked = await messages.get(number)
                if parked is not None:
                    console.result(f"{number}: {await messages.replay(parked)}")
                elif not everything:
                    _fail(number)

    servers.run(work())


@app.command()
def drop(
    sequence: Annotated[int | None, typer.Argument(min=1, max=LAST, help="Which; or --all.")] = None,
    everything: Everything = False,  # noqa: FBT002
    data_dir: options.DataDir = _HERE,
    nats_url: options.NatsUrl = None,
) -> None:
    """Take one away for good, or all. An event stays in the log, and its event stream goes on waiting."""

    async def work() -> None:
        async with _messages(data_dir, nats_url) as messages:
            for number in await _chosen(messages, sequence, everything=everything):
                if await messages.drop(number):
                    console.result(f"{number}: dropped")
                elif not everything:
                    _fail(number)

    servers.run(work())


async def _chosen(messages: ParkedMessages, sequence: int | None, *, everything: bool) -> list[int]:
    if everything == (sequence is not None):
        raise typer.BadParameter("give a number, or --all")
    # Read before anything is handed out again: what is parked anew has its turn another time.
    return [parked.sequence async for parked in messages.all()] if sequence is None else [sequence]


async def _get(messages: ParkedMessages, sequence: int) -> Parked:
    parked = await messages.get(sequence)
    return parked if parked is not None else _fail(sequence)


def _fail(sequence: int) -> Parked:
    console.failure(f"there is no parked message {sequence}")
    raise typer.Exit(1)


def _line(parked: Parked) -> str:
    where = f"{parked.sequence:>6}  {moment(parked.parked_at)}  {parked.consumer:<9}"
    return f"{where}  {parked.subject}  {len(parked.data)} bytes: {parked.error}"
