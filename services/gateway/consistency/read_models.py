"""The rule that every read follows, and the connections to the read models.

A read waits until the projection has committed the position at which the log ended when the request came. It then shows
every decision that was on disk before the request, made by any client through any gateway (docs/adr/0004).
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, Generic, TypeVar

from nats.aio.client import Client as NatsClient
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from antiphon.events.log.errors import LogUnavailableError
from antiphon.projections.core.reading import configure
from antiphon.services.gateway.consistency.staleness import mark_stale
from antiphon.services.gateway.consistency.watermark import Watermark
from antiphon.services.gateway.metrics import Metrics
from antiphon.services.runtime.settings import Settings

_MIN_CONNECTIONS = 2
_MAX_CONNECTIONS = 10

T = TypeVar("T")


async def _require_open(connection: AsyncConnection[Any]) -> None:
    """Raises OperationalError for a connection that the server has closed while it was idle."""
    waiting = select.poll()
    waiting.register(connection, select.POLLIN)
    # An idle connection has nothing to read but its end, or a notice that comes before it.
    if waiting.poll(0):
        await AsyncConnectionPool.check_connection(connection)


class SingleFlight(Generic[T]):
    """Runs one call at a time; no caller gets the result of a call that began before it came."""

    def __init__(self, call: Callable[[], Awaitable[T]]) -> None:
        self._call = call
        self._current: asyncio.Task[T] | None = None
        self._next: asyncio.Task[T] | None = None

    async def get(self) -> T:
        """The result of a call that begins from now on; raises what the call raised."""
        if self._next is None:
            self._next = asyncio.create_task(self._after(self._current))
        return await asyncio.shield(self._next)

    async def _after(self, previous: asyncio.Task[T] | None) -> T:
        if previous is not None:
            await asyncio.wait({previous})
        self._current, self._next = self._next, None
        return await self._call()


class ReadModels:
    """Connections to the read models, each given out when the rule allows it."""

    def __init__(
        self,
        nats: NatsClient,
        settings: Settings,
        log_end: Callable[[], Awaitable[int]],
        metrics: Metrics,
        *,
        deadline_seconds: float,
    ) -> None:
        self._nats = nats
        self._log_end = SingleFlight(log_end)
        self._metrics = metrics
        self._deadline_seconds = deadline_seconds
        self._query_timeout_seconds = settings.query_timeout_seconds
        self.pool = AsyncConnectionPool(
            settings.postgres_url,
            min_size=_MIN_CONNECTIONS,
            max_size=_MAX_CONNECTIONS,
            configure=self._configure,
            check=_require_open,
            open=False,
        )
        self.events = Watermark("events", nats, self.pool, lingers=True)
        self.observed = Watermark("observed", nats, self.pool)
        self.presence = Watermark("presence", nats, self.pool)

    @property
    def _watermarks(self) -> tuple[Watermark, ...]:
        return self.events, self.observed, self.presence

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Hold connections, and listen to the projections, until the block ends."""
        async with self.pool, AsyncExitStack() as listening:
            for watermark in self._watermarks:
                await listening.enter_async_context(watermark.listening())
            yield

    async def _configure(self, connection: AsyncConnection[Any]) -> None:
        await configure(connection, self._query_timeout_seconds)
        # A database that crashed has lost its last commits, and all connections from before: a new one must look.
        for watermark in self._watermarks:
            await watermark.refresh(connection)

    @asynccontextmanager
    async def reading(self, after: int | None = None) -> AsyncIterator[AsyncConnection[Any]]:
        """A connection whose queries show the log up to the position `after`, by default up to its end now.

        If the projection does not get there in time, the queries show less, and the answer is marked as stale.
        Raises LogUnavailableError if the log has lost what is projected: nothing is served then.
        """
        while True:
            position = await self._committed(after)
            if position is None:
                mark_stale()
                self._metrics.stale()
            async with self.connection() as connection:
                # The connection may be new, and may have found that commits were lost: then wait again.
                if position is None or position <= self.events.position:
                    yield connection
                    return

    def connection(self) -> AbstractAsyncContextManager[AsyncConnection[Any]]:
        """A connection that shows the read models as they are."""
        return self.pool.connection(timeout=self._deadline_seconds)

    async def _committed(self, after: int | None) -> int | None:
        """Wait for the position `after`, or for the end of the log; None if it was not committed in time."""
        if after is not None:
            return after if await self.events.wait_for(after, self._deadline_seconds) else None
        if not self._nats.is_connected:
            return None
        projected = self.events.position
        try:
            end = await self._log_end.get()
        except LogUnavailableError:
            return None
        if end < projected:
            raise LogUnavailableError(f"the log ends at position {end}, and position {projected} was written once")
        return end if await self.events.wait_unless_stuck(end, self._deadline_seconds) else None
