"""Real servers for tests: nats-server and PostgreSQL, embedded as the product embeds them."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from psycopg import sql

from antiphon.projections.core.migrate import migrate
from antiphon.services.runtime.embedded.nats_server import NatsServer
from antiphon.services.runtime.embedded.postgres import PostgresServer

_TEMPLATE = "with_tables"
_numbers = itertools.count(1)

__all__ = [
    "NatsServer",
    "PostgresServer",
    "empty_database",
    "fresh_database",
    "open_folder",
    "running_nats",
    "running_postgres",
    "until",
]


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Wait for something that processes do."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@contextmanager
def open_folder() -> Iterator[Path]:
    """Make a folder that PostgreSQL's user may enter when root runs the tests; pytest's own are closed to others."""
    with TemporaryDirectory(prefix="antiphon-") as folder:
        path = Path(folder)
        path.chmod(0o711)
        yield path


@contextmanager
def running_nats(directory: Path) -> Iterator[NatsServer]:
    """Run a nats-server on a store in `directory`; `kill()` then `start()` is a crash and a restart on that store."""
    with NatsServer(directory) as server:
        yield server


@contextmanager
def running_postgres(directory: Path) -> Iterator[PostgresServer]:
    """Run a PostgreSQL with its data in `directory`, and a template with all tables for `fresh_database`.

    ANTIPHON_TEST_POSTGRES names a folder with the programs of another version.
    """
    other = os.environ.get("ANTIPHON_TEST_POSTGRES")
    with PostgresServer(directory, Path(other) if other else None) as server:
        asyncio.run(migrate(server.create_database(_TEMPLATE)))
        yield server


@contextmanager
def fresh_database(server: PostgresServer) -> Iterator[str]:
    """Make a database with all tables and no rows, and drop it at the end with every connection to it."""
    with _database(server, _TEMPLATE) as url:
        yield url


@contextmanager
def empty_database(server: PostgresServer) -> Iterator[str]:
    """Make a database without tables, and drop it at the end with every connection to it."""
    with _database(server, "template1") as url:
        yield url


@contextmanager
def _database(server: PostgresServer, template: str) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
    with psycopg.connect(server.url_of("postgres"), autocommit=True) as connection:
        connection.execute(create)
    yield server.url_of(name)
    server.drop_database(name)
