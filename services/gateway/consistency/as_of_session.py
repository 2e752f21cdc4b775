"""Answers reads about the past; keeps the tables of a past moment between requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import Query
from psycopg import AsyncConnection

from antiphon.events import log_position
from antiphon.events.client.client import Client
from antiphon.events.log.errors import LogUnavailableError
from antiphon.events.log.port import EventLog
from antiphon.events.subjects import Aggregate
from antiphon.projections.as_of.as_of import RunAsOf, run_at
from antiphon.projections.as_of.as_of_session import AsOfSession, GoneError
from antiphon.services.gateway.http.errors import RequestTooLargeError, unprocessable

#: A query parameter that Prefect does not have: a position of the log, or a time.
AsOf = Annotated[str | None, Query()]

#: After this time without a request the tables are dropped.
_IDLE_SECONDS: Final = 60.0


class AsOfReads:
    """Two pasts: an empty one, and one of the moment that was asked for last.

    A read costs the events since the last keyframe, or since the moment of the previous read. Only one runs at a time.
    """

    def __init__(
        self, log: EventLog, commands: Client, postgres_url: str, *, deadline_seconds: float, most_events: int
    ) -> None:
        self._log = log
        self._commands = commands
        self._deadline_seconds = deadline_seconds
        self._most_events = most_events
        self._lists = _Session(postgres_url)
        self._nothing = _Session(postgres_url)

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Keep pasts between requests until the block ends."""
        try:
            yield
        finally:
            await self._lists.close()
            await self._nothing.close()

    @asynccontextmanager
    async def reading(self, as_of: str) -> AsyncIterator[AsyncConnection[Any]]:
        """A connection to the read models as they were, for one query or a few.

        Raises 422 for a position or time that is not in the log, 413 if the read models are so far behind that too many
        events would have to be read, and LogUnavailableError if that takes too long.
        """
        position, moment = await self._place(as_of)
        async with AsyncExitStack() as question:
            try:
                # Queries have a time limit of their own.
                async with asyncio.timeout(self._deadline_seconds):
                    reading = self._lists.reading(position, moment, self._advance)
                    connection = await question.enter_async_context(reading)
            except TimeoutError as error:
                raise LogUnavailableError(f"the read models of position {position} are not there in time") from error
            yield connection

    async def run(self, run: Aggregate, position: int) -> RunAsOf | None:
        """See antiphon.projections.as_of.as_of.run_at."""
        async with self._nothing.past() as nothing:
            return await run_at(nothing, self._commands.history, run, position)

    async def _place(self, as_of: str) -> tuple[int, datetime | None]:
        try:
            asked_for = log_position.parse(as_of)
            position = await self._commands.last_position(asked_for)
        except ValueError as error:
            raise unprocessable(f"as_of: {error}") from None
        return position, asked_for if isinstance(asked_for, datetime) else None

    async def _advance(self, past: AsOfSession, position: int) -> None:
        count = position - past.position
        if count > self._most_events:
            raise RequestTooLargeError(
                f"as_of: the read models are behind: {count} events would have to be read, and at most"
                f" {self._most_events} are."
            )
        async for batch in self._log.follow(past.position, until=position):
            await past.advance(batch)


#: Applies the events up to a position to a past.
Advance = Callable[[AsOfSession, int], Awaitable[None]]


class _Session:
    """A past that is kept between reads; replaced for an earlier moment, or if another keyframe is nearer."""

    def __init__(self, postgres_url: str) -> None:
        self._postgres_url = postgres_url
        self._lock = asyncio.Lock()
        self._opened = AsyncExitStack()
        self._past: AsOfSession | None = None
        self._forgetting: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def past(self) -> AsyncIterator[AsOfSession]:
        """An empty past, for one read."""
        async with self._alone():
            yield await self._nearest(0)

    @asynccontextmanager
    async def reading(
        self, position: int, moment: datetime | None, advance: Advance
    ) -> AsyncIterator[AsyncConnection[Any]]:
        """A connection to a past that `advance` has brought to a position, for one read, as of this moment."""
        async with self._alone(), AsyncExitStack() as question:
            connection = None
            while connection is None:
                past = await self._nearest(position)
                try:
                    await advance(past, position)
                    reading = past.reading(moment or past.recorded_at)
                    connection = await question.enter_async_context(reading)
                except GoneError:
                    await self._forget()
            yield connection

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        async with self._lock:
            if self._forgetting is not None:
                self._forgetting.cancel()
            try:
                yield
            except BaseException:
                # It is unknown which events were applied.
                await self._forget()
                raise
            self._forgetting = asyncio.create_task(self._forget_when_idle())

    async def _nearest(self, position: int) -> AsOfSession:
        if self._past is None or not await self._past.leads_to(position):
            await self._forget()
            beginning = AsOfSession.beginning(self._postgres_url, position)
            self._past = await self._opened.enter_async_context(beginning)
        return self._past

    async def close(self) -> None:
        """Drop the past."""
        if self._forgetting is not None:
            self._forgetting.cancel()
        await self._forget()

    async def _forget_when_idle(self) -> None:
        await asyncio.sleep(_IDLE_SECONDS)
        async with self._lock:
            # From here on the next read cannot cancel this task, but waits for the lock.
            self._forgetting = None
            await self._forget()

    async def _forget(self) -> None:
        self._past = None
        await self._opened.aclose()
