"""Fixtures of all tests: real servers, started when first asked for."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import (
    NatsServer,
    PostgresServer,
    empty_database,
    fresh_database,
    open_folder,
    running_nats,
    running_postgres,
)


@pytest.fixture(scope="session", autouse=True)
def _interrupts() -> None:
    """Whoever starts the tests in the background may have them ignore Ctrl-C, and so every program they start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def open_path() -> Iterator[Path]:
    """A folder for the data of an embedded PostgreSQL."""
    with open_folder() as folder:
        yield folder


@pytest.fixture
def nats_server(tmp_path: Path) -> Iterator[NatsServer]:
    """Run a nats-server with an empty store for one test (it starts in 30 ms); may be killed and started again."""
    with running_nats(tmp_path / "nats") as server:
        yield server


@pytest.fixture
def nats_url(nats_server: NatsServer) -> str:
    """Return the address of this test's nats-server."""
    return nats_server.url


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Run one PostgreSQL for all tests."""
    with open_folder() as folder, running_postgres(folder) as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """Return the URL of a database made for one test: it has all tables and no rows."""
    with fresh_database(postgres_server) as url:
        yield url


@pytest.fixture
def empty_postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """Return the URL of a database without tables, made for one test."""
    with empty_database(postgres_server) as url:
        yield url
