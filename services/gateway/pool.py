"""The gateway's connections to PostgreSQL."""

from __future__ import annotations

from typing import Any

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool


class Pool(AsyncConnectionPool[AsyncConnection[Any]]):
    """Gives out the connection that was given back last, rather than first.

    While few ask at a time these few are always asked: their processes have what they need in the caches of the cores,
    and their plans at hand.
    """

    async def _get_ready_connection(self, timeout: float | None) -> AsyncConnection[Any] | None:  # noqa: ASYNC109
        self._pool.rotate(1)
        return await super()._get_ready_connection(timeout)
