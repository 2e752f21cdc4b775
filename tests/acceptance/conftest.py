"""Antiphon, started once for all acceptance tests, beside the genuine server's answers."""

import itertools
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance.antiphon import running_antiphon
from tests.acceptance.genuine import Genuine, Mode, mode
from tests.acceptance.oracle import running_oracle
from tests.acceptance.server import Server
from tests.servers import PostgresServer, open_folder

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Pair:
    """The genuine server, running or recorded, and the one that is judged."""

    genuine: Genuine
    subject: Server
    #: The judged server is genuine too.
    judges_itself: bool

    def make_default_pool(self) -> None:
        """Make the agents' pool: without it a queue that is named without its pool is any one of that name."""
        for server in [self.subject] if mode() is Mode.REPLAY else [self.subject, self.genuine.running()]:
            body = {"name": "default-agent-pool", "type": "prefect-agent"}
            httpx.post(f"{server.api_url}/work_pools/", json=body, timeout=60).raise_for_status()

    def answers(self, name: str, requests: Any, ask: Callable[[Server], Any]) -> tuple[Any, Any]:
        """Return what `ask` makes of either server: the genuine one's answers and the judged one's."""
        with ThreadPoolExecutor(1) as threads:
            subject = threads.submit(ask, self.subject)
            return self.genuine.answers(name, requests, ask), subject.result()


@pytest.fixture(scope="session")
def pair(postgres_server: PostgresServer) -> Iterator[Pair]:
    """Both servers, for all tests that look at their own records only."""
    with running_pair(postgres_server) as found:
        found.make_default_pool()
        yield found


@contextmanager
def running_pair(postgres_server: PostgresServer) -> Iterator[Pair]:
    """Start Antiphon, and the genuine server unless its answers are replayed; neither has any records.

    With ANTIPHON_ACCEPTANCE_SUBJECT=oracle the judged server is a genuine one: a difference then is a fault of the
    comparison, or of a recording.
    """
    judges_itself = os.environ.get("ANTIPHON_ACCEPTANCE_SUBJECT") == "oracle"

    def oracle(directory: Path) -> AbstractContextManager[Server]:
        database = f"{directory.name}_{next(_numbers)}"
        postgres_server.create_database(database)
        return running_oracle(directory, postgres_server.tcp_url_of(database))

    with open_folder() as folder, ExitStack() as stack, ThreadPoolExecutor(2) as threads:
        # Some events that are asked for are said to have occurred months ago.
        antiphon = running_antiphon(folder / "antiphon", event_retention_days="400")
        servers = [oracle(folder / "subject") if judges_itself else antiphon]
        if mode() is not Mode.REPLAY:
            servers.append(oracle(folder / "oracle"))
        # Whatever started is on the stack, also when the other one failed.
        started = [threads.submit(stack.enter_context, server) for server in servers]
        subject, *genuine = [server.result() for server in started]
        yield Pair(Genuine(genuine[0] if genuine else None), subject, judges_itself)
