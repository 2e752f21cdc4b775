"""Databases with the tables of the read models."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import nats
import pytest
from nats.aio.client import Client as NatsClient
from psycopg import AsyncConnection

from antiphon.events.log.nats.provision import provision
from antiphon.services.runtime.embedded import child
from tests.integration.projections.filled import filled_database, reading_from
from tests.integration.projections.history import take_place
from tests.projection_scenario import ProjectionScenario
from tests.servers import PostgresServer


@pytest.fixture
def projections(postgres_url: str) -> ProjectionScenario:
    """Nothing has happened yet."""
    return ProjectionScenario(postgres_url)


@pytest.fixture(scope="module")
def history_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A database to read from, in which `history.py` has taken place."""
    with filled_database(postgres_server, lambda url: take_place(ProjectionScenario(url))) as url:
        yield url


@pytest.fixture
async def connection(history_url: str) -> AsyncIterator[AsyncConnection[Any]]:
    """A connection for reading it."""
    async with reading_from(history_url) as reading:
        yield reading


@pytest.fixture
async def client(nats_url: str, postgres_url: str) -> AsyncIterator[NatsClient]:
    """A connection to a server with streams."""
    connection = await nats.connect(nats_url)
    await provision(connection)
    yield connection
    await connection.close()


class Projector:
    """A projector process that can be killed and started again."""

    def __init__(self, nats_url: str, postgres_url: str) -> None:
        self._environment = os.environ | {"ANTIPHON_NATS_URL": nats_url, "ANTIPHON_POSTGRES_URL": postgres_url}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start; it goes on behind its checkpoint."""
        command = child.ending_with_parent([sys.executable, "-m", "antiphon.services.projector"])
        self._process = subprocess.Popen(command, env=self._environment, stderr=subprocess.DEVNULL)  # noqa: S603

    def kill(self) -> None:
        """End it as by `kill -9`."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@pytest.fixture
def projector(nats_url: str, postgres_url: str) -> Iterator[Projector]:
    """A projector process that is not started yet."""
    process = Projector(nats_url, postgres_url)
    yield process
    process.kill()
