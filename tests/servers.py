"""Real servers for tests: nats-server and PostgreSQL, embedded as the product embeds them."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from antiphon.services.runtime.embedded.nats_server import NatsServer
from antiphon.services.runtime.embedded.postgres import PostgresServer

_numbers = itertools.count(1)

__all__ = ["NatsServer", "PostgresServer", "fresh_database", "running_nats", "running_postgres", "until"]


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Wait for something that processes do."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@contextmanager
def running_nats(directory: Path) -> Iterator[NatsServer]:
    """Run a nats-server on a store in `directory`; `kill()` then `start()` is a crash and a restart on that store."""
    with NatsServer(directory) as server:
        yield server


@contextmanager
def running_postgres(directory: Path) -> Iterator[PostgresServer]:
    """Run a PostgreSQL with its data in `directory`."""
    with PostgresServer(directory) as server:
        yield server


@contextmanager
def fresh_database(server: PostgresServer) -> Iterator[str]:
    """Make an empty database, and drop it at the end with whatever is still connected to it."""
    name = f"test_{next(_numbers)}"
    yield server.create_database(name)
    server.drop_database(name)
