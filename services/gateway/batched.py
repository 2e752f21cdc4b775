"""Reads many rows with one query where several requests want one each at the same moment."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

#: Reads rows by id.
GetMany = Callable[[AsyncConnection[Any], Sequence[UUID]], Awaitable[dict[UUID, bytes]]]
Connections = Callable[[], AbstractAsyncContextManager[AsyncConnection[Any]]]


class Batched:
    """One announcement of the projection lets many requests go on, and each wants to read its own run."""

    def __init__(self, get_many: GetMany, reading: Connections) -> None:
        self._get_many = get_many
        self._reading = reading
        self._wanted: dict[UUID, asyncio.Future[bytes | None]] = {}
        self._queries: set[asyncio.Task[dict[UUID, bytes]]] = set()

    async def get(self, row_id: UUID) -> bytes | None:
        """The row as JSON, or None; raises what the query raised."""
        future = self._wanted.get(row_id)
        if future is None:
            loop = asyncio.get_running_loop()
            if not self._wanted:
                # Whoever else goes on in this turn of the loop is heard first.
                loop.call_soon(self._start)
            future = self._wanted[row_id] = loop.create_future()
        return await asyncio.shield(future)

    def _start(self) -> None:
        wanted, self._wanted = self._wanted, {}
        query = asyncio.create_task(self._read(list(wanted)))
        self._queries.add(query)
        query.add_done_callback(partial(self._answer, wanted))

    async def _read(self, wanted: Sequence[UUID]) -> dict[UUID, bytes]:
        async with self._reading() as connection:
            return await self._get_many(connection, wanted)

    def _answer(self, wanted: dict[UUID, asyncio.Future[bytes | None]], query: asyncio.Task[dict[UUID, bytes]]) -> None:
        self._queries.discard(query)
        if query.cancelled():
            for future in wanted.values():
                future.cancel()
            return
        # Whatever it was: who waits for a row waits for nothing else.
        if (error := query.exception()) is not None:
            for future in wanted.values():
                future.set_exception(error)
            return
        for row_id, future in wanted.items():
            future.set_result(query.result().get(row_id))
