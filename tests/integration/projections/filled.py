"""Databases that are filled once, and only read from then on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from psycopg import AsyncConnection

from antiphon.projections.as_of.keyframes import carry
from antiphon.projections.core.reading import configure
from antiphon.projections.engine.writer import connect
from tests.servers import PostgresServer, fresh_database


@contextmanager
def filled_database(server: PostgresServer, fill: Callable[[str], Coroutine[Any, Any, None]]) -> Iterator[str]:
    """Return the URL of a database that `fill` has filled."""
    with fresh_database(server) as url:
        asyncio.run(fill(url))
        yield url


async def execute(url: str, statements: Iterable[str]) -> None:
    """Change rows as the projector's session may."""
    async with await connect(url) as writing:
        await carry(writing, 0)
        for statement in statements:
            await writing.execute(statement.encode())


@asynccontextmanager
async def reading_from(url: str) -> AsyncIterator[AsyncConnection[Any]]:
    """A connection as the gateway has it."""
    async with await AsyncConnection.connect(url) as connection:
        await configure(connection)
        yield connection
