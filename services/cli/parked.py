"""`antiphon parked`: messages that no process could handle, and event streams that wait behind a parked event."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from psycopg import AsyncConnection

from antiphon.events.log.nats.parked import (
    CannotHealError,
    CannotReplayError,
    Parked,
    ParkedGroup,
    ParkedMessages,
    heal,
)
from antiphon.projections.engine import parked_streams
from antiphon.projections.engine.parked_streams import ParkedStreamGroup
from antiphon.services.cli import console
from antiphon.services.cli.failures import CommandFailedError
from antiphon.services.cli.installation import Installation
from antiphon.services.cli.rendering import moment
from antiphon.services.cli.running import connection

_PAGE: Final = 500


@asynccontextmanager
async def _messages(where: Installation) -> AsyncIterator[ParkedMessages]:
    async with connection(where.nats_url) as client:
        yield ParkedMessages(client)


@asynccontextmanager
async def _tables(where: Installation) -> AsyncIterator[AsyncConnection[Any]]:
    async with await AsyncConnection.connect(where.postgres_url, autocommit=True, connect_timeout=5) as tables:
        yield tables


async def show_all(where: Installation, after: int, limit: int) -> None:
    """Print the numbers by reason and kind, and a line about each message of a page, the oldest first."""
    async with _messages(where) as messages:
        groups, page = await messages.groups(), await messages.page(after, limit)
    for group in groups:
        console.result(_group_line(group))
    for parked in page:
        console.raw(_line(parked))
    if len(page) == limit:
        console.progress("more", f"antiphon parked list --after {page[-1].sequence}")
    # Last, so that messages are listed without PostgreSQL too.
    async with _tables(where) as tables:
        streams = await parked_streams.groups(tables)
    for stream in streams:
        console.result(_stream_group_line(stream))
    if not groups and not streams:
        console.progress("nothing", "is parked")


async def show_streams(where: Installation, after: int, limit: int) -> None:
    """Print a line about each event stream of a page, the oldest first."""
    async with _tables(where) as tables:
        page = await parked_streams.page(tables, after, limit)
    for stream in page:
        since = "" if stream.recorded_at is None else f"  {moment(stream.recorded_at)}"
        console.raw(f"{stream.position:>6}{since}  {stream.event_stream}  {stream.waiting} events wait: {stream.error}")
    if not page:
        console.progress("nothing", "waits")
    if len(page) == limit:
        console.progress("more", f"antiphon parked streams --after {page[-1].position}")


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
    """Publish one message again; all without a number."""
    async with _messages(where) as messages:
        if sequence is None:
            await _replay_all(messages)
            return
        parked = await messages.get(sequence)
        if parked is None:
            raise _absent(sequence)
        console.result(f"{sequence}: published on {await messages.replay(parked)}")


async def _replay_all(messages: ParkedMessages) -> None:
    done = left = 0
    async for parked in messages.all():
        try:
            await messages.replay(parked)
            done += 1
        except CannotReplayError as error:
            left += 1
            console.warning(f"{parked.sequence}: {error}")
    console.result(f"{done} messages are published again")
    if left:
        raise CommandFailedError(f"{left} messages cannot be replayed")


async def drop(where: Installation, sequence: int | None) -> None:
    """Delete one message; all without a number."""
    async with _messages(where) as messages:
        if sequence is None:
            console.result(f"{await messages.drop_all()} messages are dropped")
        elif await messages.drop(sequence):
            console.result(f"{sequence}: dropped")
        else:
            raise _absent(sequence)


async def heal_streams(where: Installation, event_stream: str | None) -> None:
    """Project an event stream from its parked event on; all without a name."""
    async with connection(where.nats_url) as client:
        if event_stream is not None:
            console.result(f"{event_stream}: {await heal(client, event_stream)} events are projected")
            return
        left = 0
        async with _tables(where) as tables:
            async for name in _all_streams(tables):
                try:
                    console.result(f"{name}: {await heal(client, name)} events are projected")
                except CannotHealError as error:
                    left += 1
                    console.warning(str(error))
    if left:
        raise CommandFailedError(f"{left} event streams still wait")


async def _all_streams(tables: AsyncConnection[Any]) -> AsyncIterator[str]:
    after = 0
    while page := await parked_streams.page(tables, after, _PAGE):
        for stream in page:
            yield stream.event_stream
        after = page[-1].position


def _group_line(group: ParkedGroup) -> str:
    what = f"{group.count} {group.reason} {group.kind}.> for the {group.consumer}"
    return f"{what}; the newest, of {moment(group.last.parked_at)}: {group.last.error}"


def _stream_group_line(group: ParkedStreamGroup) -> str:
    what = f"{group.event_streams} event streams of {group.kind} with an event that is {group.reason}"
    return f"{what}; {group.waiting_events} events wait behind these"


def _absent(sequence: int) -> CommandFailedError:
    return CommandFailedError(f"there is no parked message {sequence}")


def _line(parked: Parked) -> str:
    where = f"{parked.sequence:>6}  {moment(parked.parked_at)}  {parked.consumer:<9}"
    return f"{where}  {parked.subject}  {len(parked.data)} bytes: {parked.error}"
