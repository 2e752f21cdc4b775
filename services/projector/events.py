"""Projects the log: commit rows and checkpoint, then announce the position."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

import structlog
from nats.aio.client import Client

from events import subjects
from events.log.jetstream import JetStreamLog
from events.log.parking import park
from events.log.port import Recorded, Unreadable
from projections.change import Change, Statement
from projections.projection import project
from projections.writer import connect, parked_subjects, position_of, take_turn, write
from services.projector.entries import Entry, write_entries

_WAITS: Final = "waits behind an event that was parked"

_log = structlog.get_logger(__name__)


class EventsLoop:
    """One reader of EVENTS, one writer of its read models."""

    name: Final = "events"

    def __init__(self, client: Client, postgres_url: str) -> None:
        self._client = client
        self._postgres_url = postgres_url
        #: The event streams that wait behind a parked event.
        self._parked: set[str] = set()

    async def run(self) -> None:
        """Project from the checkpoint on, until Postgres goes away (psycopg.OperationalError)."""
        async with await connect(self._postgres_url) as connection:
            await take_turn(connection, self.name)
            after = await position_of(connection, self.name)
            # From now on there is a checkpoint to look at, also before the first event.
            await write(connection, [], self.name, after)
            self._parked = await parked_subjects(connection)
            _log.info("projects", projection=self.name, stream=subjects.EVENTS, after=after)
            await self._announce(after)
            async for batch in JetStreamLog(self._client).follow(after):
                await write_entries(connection, [await self._entry(item) for item in batch], self.name)
                await self._announce(batch[-1].position)

    async def _entry(self, item: Recorded | Unreadable) -> Entry:
        put_aside = partial(self._put_aside, item)
        if isinstance(item, Unreadable):
            return Entry(item.position, await put_aside(item.error), put_aside)
        if self._parked and _stream_of(item) in self._parked:
            return Entry(item.position, await put_aside(_WAITS), put_aside)
        return Entry(item.position, project(item), put_aside)

    async def _put_aside(self, item: Recorded | Unreadable, why: str) -> Sequence[Change]:
        """Park an event, and from now on those of its aggregate behind it: their order matters."""
        stream = _stream_of(item)
        if isinstance(item, Unreadable):
            subject, headers, data = item.subject, item.headers, item.data
        else:
            # It can be read where it stands; its position is enough to find it.
            subject = f"{stream}.{item.event.TYPE.partition('.')[2]}"
            headers, data = None, str(item.position).encode()
        message_id = f"{subjects.EVENTS}:{item.position}"
        await park(self._client, "projector", subject, headers, data, why, message_id=message_id)
        _log.warning("event parked", position=item.position, subject=subject, why=why)
        self._parked.add(stream)
        return [Statement("park", {"subject": stream, "position": item.position})]

    async def _announce(self, position: int) -> None:
        await self._client.publish(subjects.reached(self.name), str(position).encode())


def _stream_of(item: Recorded | Unreadable) -> str:
    """The subject of the event stream, without the action."""
    if isinstance(item, Unreadable):
        return item.subject.rpartition(".")[0]
    return subjects.event_stream(item.aggregate).removesuffix(".>")
