"""`antiphon parked`: messages that no process could handle."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from antiphon.events.log.nats.parked import Parked, ParkedMessages
from antiphon.services.cli import console
from antiphon.services.cli.failures import CommandFailedError
from antiphon.services.cli.installation import Installation
from antiphon.services.cli.rendering import moment
from antiphon.services.cli.running import connection


@asynccontextmanager
async def _messages(where: Installation) -> AsyncIterator[ParkedMessages]:
    async with connection(where.nats_url) as client:
        yield ParkedMessages(client)


async def show_all(where: Installation) -> None:
    """Print a line about each message, the oldest first."""
    count = 0
    async with _messages(where) as messages:
        async for parked in messages.all():
            count += 1
            console.raw(_line(parked))
    if not count:
        console.progress("nothing", "no message is parked")


async def show(where: Installation, sequence: int) -> None:
    """Print one message with its headers and its body."""
    async with _messages(where) as messages:
        parked = await messages.get(sequence)
    if parked is None:
        raise _absent(sequence)
    console.raw(_line(parked))
    for name, value in parked.headers.items():
        console.raw(f"{name}: {value}")
    console.raw("")
    console.raw(parked.data.decode(errors="replace"))
    if not parked.is_whole:
        console.warning("Only the beginning of the body could be kept.")


async def replay(where: Installation, sequence: int | None) -> None:
    """Hand one message out again; all without a number."""
    async with _messages(where) as messages:
        for number in await _chosen(messages, sequence):
            parked = await messages.get(number)
            if parked is not None:
                console.result(f"{number}: {await messages.replay(parked)}")
            elif sequence is not None:
                raise _absent(number)


async def drop(where: Installation, sequence: int | None) -> None:
    """Delete one message; all without a number."""
    async with _messages(where) as messages:
        for number in await _chosen(messages, sequence):
            if await messages.drop(number):
                console.result(f"{number}: dropped")
            elif sequence is not None:
                raise _absent(number)


async def _chosen(messages: ParkedMessages, sequence: int | None) -> list[int]:
    # All are listed first: a message that is parked again meanwhile waits for the next time.
    return [parked.sequence async for parked in messages.all()] if sequence is None else [sequence]


def _absent(sequence: int) -> CommandFailedError:
    return CommandFailedError(f"there is no parked message {sequence}")


def _line(parked: Parked) -> str:
    where = f"{parked.sequence:>6}  {moment(parked.parked_at)}  {parked.consumer:<9}"
    return f"{where}  {parked.subject}  {len(parked.data)} bytes: {parked.error}"
