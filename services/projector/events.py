"""Projects the log: commit rows and checkpoint, then announce the position."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import structlog
from nats.aio.client import Client
from psycopg import AsyncConnection

from events import subjects
from events.log.jetstream import JetStreamLog
from events.log.parking import park
from events.log.port import Recorded, Unreadable
from projections.change import Change, Statement
from projections.projection import project
from projections.writer import connect, parked_subjects, position_of, take_turn, write

_log = structlog.get_logger(__name__)


class EventsLoop:
    """One reader of EVENTS, one writer of its read models."""

    name: Final = "events"

    def __init__(self, client: Client, postgres_url: str) -> None:
        self._client = client
        self._postgres_url = postgres_url
        self._parked: set[str] = set()

    async def run(self) -> None:
        """Project from the checkpoint on, until Postgres goes away (psycopg.OperationalError)."""
        async with await connect(self._postgres_url) as connection:
            await take_turn(connection, self.name)
            after = await position_of(connection, self.name)
            self._parked = await parked_subjects(connection)
            _log.info("projects", projection=self.name, stream=subjects.EVENTS, after=after)
            await self._announce(after)
            async for batch in JetStreamLog(self._client).follow(after):
                await self._apply(connection, batch)

    async def _apply(self, connection: AsyncConnection[Any], batch: Sequence[Recorded | Unreadable]) -> None:
        changes: list[Change] = []
        for item in batch:
            if isinstance(item, Unreadable) or (self._parked and _stream_of(item) in self._parked):
                changes.append(await self._put_aside(item))
            else:
                changes.extend(project(item))
        position = batch[-1].position
        await write(connection, changes, self.name, position)
        await self._announce(position)

    async def _put_aside(self, item: Recorded | Unreadable) -> Change:
        """Park an event that cannot be read, and those of its aggregate behind it: their order matters."""
        if isinstance(item, Unreadable):
            subject, error = item.subject, item.error
            await park(
                self._client,
                "projector",
                subject,
                item.headers,
                item.data,
                error,
                message_id=f"{subjects.EVENTS}:{item.position}",
            )
            stream = subject.rpartition(".")[0]
        else:
            stream, error = _stream_of(item), "waits behind an event that could not be read"
            subject = f"{stream}.{item.event.TYPE.partition('.')[2]}"
            await park(
                self._client,
                "projector",
                subject,
                None,
                str(item.position).encode(),
                error,
                message_id=f"{subjects.EVENTS}:{item.position}",
            )
        _log.warning("event parked", position=item.position, subject=subject, why=error)
        self._parked.add(stream)
        return Statement("park", {"subject": stream, "position": item.position})

    async def _announce(self, position: int) -> None:
        await self._client.publish(subjects.reached(self.name), str(position).encode())


def _stream_of(recorded: Recorded) -> str:
    return subjects.event_stream(recorded.aggregate).removesuffix(".>")
