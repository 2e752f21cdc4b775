"""Waits until a projection has committed a position of its stream (docs/adr/0004)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import psycopg
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from antiphon.events import subjects
from antiphon.events.projection_messages import Hurry
from antiphon.services.runtime import clock

#: An announcement can get lost: after this silence the checkpoint itself is read.
_SILENCE_SECONDS: Final = 0.5

_log = structlog.get_logger(__name__)


class Watermark:
    """The position that a projection has committed; requests wait for a later one."""

    def __init__(
        self,
        projection: str,
        client: Client,
        pool: AsyncConnectionPool[AsyncConnection[Any]],
        *,
        lingers: bool = False,
    ) -> None:
        #: The name of its checkpoint.
        self.projection = projection
        self.position = 0
        self._client = client
        self._pool = pool
        #: Whether the projection pauses between batches, and must be asked to hurry.
        self._lingers = lingers
        #: The latest position that a request has waited for.
        self._wanted = 0
        #: Set, and replaced, when the position moves.
        self._moved = asyncio.Event()
        #: The position at which a request waited in vain.
        self._stuck_at = -1
        self._timed: tuple[int, float, Callable[[float], None]] | None = None

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Listen to the announcements until the block ends."""
        subscription = await self._client.subscribe(subjects.projection_committed(self.projection), cb=self._on_message)
        # An idle projection announces nothing.
        await self._read_checkpoint()
        reading = asyncio.create_task(self._read_checkpoint_in_silence())
        try:
            yield
        finally:
            reading.cancel()
            await subscription.unsubscribe()

    async def _on_message(self, message: Msg) -> None:
        self.on_announced(int(message.data))

    def on_announced(self, position: int) -> None:
        """The projection has committed `position`: release the requests that wait for it."""
        if position <= self.position:
            return
        self._move(position)
        if self._timed is not None and self._timed[0] <= position:
            _, since, observe = self._timed
            self._timed = None
            observe(clock.monotonic() - since)

    def _move(self, position: int) -> None:
        self.position = position
        self._moved.set()
        self._moved = asyncio.Event()

    async def refresh(self, connection: AsyncConnection[Any]) -> None:
        """Read the checkpoint; it can lie behind what was announced, because a crash loses the last commits.

        The projection commits and announces these again.
        """
        before = self.position
        query = "SELECT position FROM checkpoint WHERE name = %s"
        row = await (await connection.execute(query, (self.projection,))).fetchone()
        position = int(row[0]) if row else 0
        if position < before:
            _log.warning("projection fell back", projection=self.projection, before=before, after=position)
            self._move(position)
        else:
            self.on_announced(position)

    def time(self, position: int, observe: Callable[[float], None]) -> None:
        """Measure the seconds until the projection has committed `position`; only one measurement runs at a time."""
        if self._timed is None and position > self.position:
            self._timed = position, clock.monotonic(), observe

    async def wait_for(self, position: int, timeout_seconds: float) -> bool:
        """Wait until the projection has committed `position`; False if it has not within the time."""
        if position <= self.position:
            return True
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._want(position)
                while self.position < position:
                    await self._moved.wait()
        except TimeoutError:
            return False
        return True

    async def _want(self, position: int) -> None:
        if position <= self._wanted:
            return
        self._wanted = position
        if self._lingers and self._client.is_connected:
            hurry = Hurry(position=position).model_dump_json().encode()
            await self._client.publish(subjects.projection_hurry(self.projection), hurry)

    async def wait_unless_stuck(self, position: int, timeout_seconds: float) -> bool:
        """The same, but while the projection does not move only the first request waits in vain."""
        if self.position == self._stuck_at and position > self.position:
            return False
        before = self.position
        in_time = await self.wait_for(position, timeout_seconds)
        if not in_time and self.position == before:
            self._stuck_at = before
        return in_time

    async def _read_checkpoint_in_silence(self) -> None:
        while True:
            before = self.position
            await asyncio.sleep(_SILENCE_SECONDS)
            if self._wanted > self.position == before:
                await self._read_checkpoint()

    async def _read_checkpoint(self) -> None:
        try:
            async with self._pool.connection(timeout=_SILENCE_SECONDS) as connection:
                await self.refresh(connection)
        except (psycopg.OperationalError, PoolTimeout) as error:
            _log.warning("checkpoint not read", projection=self.projection, error=str(error).strip())
