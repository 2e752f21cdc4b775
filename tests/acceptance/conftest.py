"""Both servers, started once for all acceptance tests."""

import itertools
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.acceptance.antiphon import running_antiphon
from tests.acceptance.oracle import running_oracle
from tests.acceptance.server import Server
from tests.servers import PostgresServer

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Pair:
    """The genuine server and the one that is judged."""

    oracle: Server
    subject: Server
    #: Both are genuine.
    judges_itself: bool


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer) -> Iterator[Pair]:
    """Both servers side by side, for all tests that look at their own records only."""
    with running_pair(tmp_path_factory.mktemp("servers"), postgres_server) as found:
        yield found


@contextmanager
def running_pair(directory: Path, postgres_server: PostgresServer) -> Iterator[Pair]:
    """Start both servers side by side, without any records.

    With ANTIPHON_ACCEPTANCE_SUBJECT=oracle the judged server is a second genuine one: a difference then is a fault
    of the comparison itself.
    """
    judges_itself = os.environ.get("ANTIPHON_ACCEPTANCE_SUBJECT") == "oracle"

    def oracle(name: str) -> AbstractContextManager[Server]:
        database = f"{name}_{next(_numbers)}"
        postgres_server.create_database(database)
        return running_oracle(directory / name, postgres_server.tcp_url_of(database))

    subject = oracle("subject") if judges_itself else running_antiphon(directory / "antiphon")
    with ExitStack() as stack, ThreadPoolExecutor(2) as threads:
        # Whatever started is on the stack, also when the other one failed.
        started = [
            threads.submit(stack.enter_context, oracle("oracle")),
            threads.submit(stack.enter_context, subject),
        ]
        yield Pair(started[0].result(), started[1].result(), judges_itself)
