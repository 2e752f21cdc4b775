"""Waits until a projection has committed a position of its stream (docs/adr/0005, 0015)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from heapq import heappop, heappush
from itertools import count
from typing import Any, Final

import psycopg
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from antiphon.events import subjects
from antiphon.services.runtime import clock

#: An announcement may be lost: after this silence somebody who waits looks at the checkpoint itself.
_LOOK_SECONDS: Final = 0.5

_log = structlog.get_logger(__name__)


class Reached:
    """How far a projection is, and who waits for it to get further."""

    def __init__(
        self,
        projection: str,
        client: Client,
        pool: AsyncConnectionPool[AsyncConnection[Any]],
        *,
        gathers: bool = False,
    ) -> None:
        #: The name of its checkpoint.
        self.projection = projection
        self._client = client
        self._pool = pool
        self._numbers = count()
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        #: Where the projection was when somebody waited for it in vain.
        self._stuck_at = -1
        #: Whether it lets messages gather, and must be told when somebody waits.
        self._gathers = gathers
        #: What it was told that somebody waits for.
        self._wanted = 0
        self._timed: tuple[int, float, Callable[[float], None]] | None = None
        self.position = 0

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Listen to the announcements until the block ends."""
        subscription = await self._client.subscribe(subjects.projection_committed(self.projection), cb=self._announced)
        # Of a projection that has nothing to do nothing is heard.
        await self._look()
        looking = asyncio.create_task(self._look_when_waiting())
        try:
            yield
        finally:
            looking.cancel()
            await subscription.unsubscribe()

    async def _announced(self, message: Msg) -> None:
        self.advance(int(message.data))

    def advance(self, position: int) -> None:
        """The projection has committed `position`: let those go who waited for it."""
        if position <= self.position:
            return
        self.position = position
        if self._timed is not None and self._timed[0] <= position:
            _, since, observe = self._timed
            self._timed = None
            observe(clock.monotonic() - since)
        while self._waiting and self._waiting[0][0] <= position:
            _, _, future = heappop(self._waiting)
            if not future.done():
                future.set_result(None)

    async def look(self, connection: AsyncConnection[Any]) -> None:
        """See how far the projection is: a database that crashed has lost the last of what was committed.

        What was lost will be committed and announced again.
        """
        before = self.position
        query = "SELECT position FROM checkpoint WHERE name = %s"
        row = await (await connection.execute(query, (self.projection,))).fetchone()
        position = int(row[0]) if row else 0
        if position < before:
            _log.warning("projection fell back", projection=self.projection, before=before, after=position)
            self.position = position
        else:
            self.advance(position)

    def time(self, position: int, observe: Callable[[float], None]) -> None:
        """Tell how many seconds from now the projection takes to get there; one at a time is timed, others are not."""
        if self._timed is None and position > self.position:
            self._timed = position, clock.monotonic(), observe

    async def until(self, position: int, timeout_seconds: float) -> bool:
        """Wait until the projection has committed `position`; False if it did not within the time."""
        if position <= self.position:
            return True
        future = asyncio.get_running_loop().create_future()
        heappush(self._waiting, (position, next(self._numbers), future))
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._want(position)
                await future
        except TimeoutError:
            return False
        return True

    async def _want(self, position: int) -> None:
        """Have the projection hurry, if it was not told so for this position or a later one."""
        if self._gathers and position > self._wanted and self._client.is_connected:
            self._wanted = position
            await self._client.publish(subjects.projection_hurry(self.projection), str(position).encode())

    async def until_unless_stuck(self, position: int, timeout_seconds: float) -> bool:
        """The same, but of those who read only the first waits in vain for a projection that does not move."""
        if self.position == self._stuck_at and position > self.position:
            return False
        before = self.position
        in_time = await self.until(position, timeout_seconds)
        if not in_time and self.position == before:
            self._stuck_at = before
        return in_time

    async def _look_when_waiting(self) -> None:
        while True:
            seen = self.position
            await asyncio.sleep(_LOOK_SECONDS)
            if self._waiting and self.position == seen:
                await self._look()

    async def _look(self) -> None:
        try:
            async with self._pool.connection(timeout=_LOOK_SECONDS) as connection:
                await self.look(connection)
        except (psycopg.OperationalError, PoolTimeout) as error:
            _log.warning("checkpoint not read", projection=self.projection, error=str(error).strip())
