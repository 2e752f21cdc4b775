"""What every request needs: the command client, the read models, and how far they are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakSet

from nats.aio.client import Client as NatsClient
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from antiphon.events.client.client import Client
from antiphon.events.log.errors import LogUnavailableError
from antiphon.events.log.nats.jetstream import JetStreamLog
from antiphon.services.gateway.consistency.as_of_session import PastReads
from antiphon.services.gateway.consistency.single_flight import Shared
from antiphon.services.gateway.consistency.staleness import note_late
from antiphon.services.gateway.consistency.watermark import Reached
from antiphon.services.gateway.metrics import Metrics


@dataclass(slots=True, kw_only=True)
class Gateway:
    """The connections of a gateway; one for the whole process."""

    nats: NatsClient
    commands: Client
    pool: AsyncConnectionPool[AsyncConnection[Any]]
    #: For sessions that are not the pool's.
    postgres_url: str
    events_reached: Reached
    observed_reached: Reached
    presence_reached: Reached
    deadline_seconds: float
    #: How long the reader of a stream may take nothing.
    patience_seconds: float = 30.0
    #: How long a server may take to say that it is there.
    probe_seconds: float = 2.0
    metrics: Metrics = field(default_factory=Metrics)
    #: How many events an answer about the past may be made from.
    most_past_events: int = 100_000
    #: Set when it takes no more requests: what would go on for ever is to end.
    stopping: asyncio.Event = field(init=False, default_factory=asyncio.Event)
    past: PastReads = field(init=False)
    _end: Shared[int] = field(init=False)
    #: Connections whose database was asked how far it is.
    _known: WeakSet[AsyncConnection[Any]] = field(init=False, default_factory=WeakSet)

    def __post_init__(self) -> None:
        """Have the past at hand, and share the question where the log ends."""
        self.past = PastReads(
            JetStreamLog(self.nats),
            self.commands,
            self.postgres_url,
            deadline_seconds=self.deadline_seconds,
            most_events=self.most_past_events,
        )
        self._end = Shared(self.commands.last_position)

    @asynccontextmanager
    async def reading(self, after: int | None = None) -> AsyncIterator[AsyncConnection[Any]]:
        """A connection to the read models, for one query or a few, once they show what `shows` says."""
        while True:
            position = await self.shows(after)
            async with self.connection() as connection:
                # Once more if what was committed got lost meanwhile.
                if position is None or position <= self.events_reached.position:
                    yield connection
                    return

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection[Any]]:
        """A connection to the read models as they are."""
        async with self.pool.connection(timeout=self.deadline_seconds) as connection:
            if connection not in self._known:
                # The database may have crashed: no connection from before that is left.
                for reached in self._all_reached:
                    await reached.look(connection)
                self._known.add(connection)
            yield connection

    @property
    def _all_reached(self) -> tuple[Reached, ...]:
        return self.events_reached, self.observed_reached, self.presence_reached

    async def shows(self, after: int | None = None) -> int | None:
        """Wait until the read models show the log up to the position `after`, by default up to where it ends now.

        Returns the position; None if they do not show it in time, and the answer in hand is marked as late
        (docs/adr/0015).
        """
        position = await self._reach(after)
        if position is None:
            note_late()
            self.metrics.late()
        return position

    async def _reach(self, after: int | None) -> int | None:
        if after is not None:
            return after if await self.events_reached.until(after, self.deadline_seconds) else None
        if not self.nats.is_connected:
            return None
        try:
            end = await self.end_of_log()
        except LogUnavailableError:
            return None
        return end if await self.events_reached.until_unless_stuck(end, self.deadline_seconds) else None

    async def end_of_log(self) -> int:
        """The position of the newest event, or of a later one; raises LogUnavailableError."""
        return await self._end.get()

    @asynccontextmanager
    async def reading_as_of(self, as_of: str | None) -> AsyncIterator[AsyncConnection[Any]]:
        """The same, as of a position or a time; absent: as everything is now."""
        async with self.reading() if as_of is None else self.past.reading(as_of) as connection:
            yield connection

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Listen to what the projections announce, and keep the past at hand, until the block ends."""
        async with AsyncExitStack() as stack:
            for reached in self._all_reached:
                await stack.enter_async_context(reached.listening())
            await stack.enter_async_context(self.past.keeping())
            yield
