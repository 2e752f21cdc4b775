"""Databases with the tables of the read models."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection

from projections.migrate import migrate
from projections.reading import configure
from tests.integration.projections.history import take_place
from tests.projection_scenario import ProjectionScenario
from tests.servers import PostgresServer, fresh_database


@pytest.fixture
def projections(postgres_url: str) -> ProjectionScenario:
    """Nothing has happened yet."""
    asyncio.run(migrate(postgres_url))
    return ProjectionScenario(postgres_url)


@pytest.fixture(scope="module")
def history_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A database to read from, in which `history.py` has taken place."""
    with fresh_database(postgres_server) as url:
        asyncio.run(migrate(url))
        asyncio.run(take_place(ProjectionScenario(url)))
        yield url


@pytest.fixture
async def connection(history_url: str) -> AsyncIterator[AsyncConnection[Any]]:
    """A connection for reading it."""
    async with await psycopg.AsyncConnection.connect(history_url) as reading:
        await configure(reading)
        yield reading
