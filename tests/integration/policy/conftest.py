"""A policy on a real nats-server: within the test's process, or as a process of its own that can be killed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator

import nats
import pytest
from nats.aio.client import Client as NatsClient

from antiphon.events.client.client import Client
from antiphon.events.log.nats.provision import provision
from antiphon.services.policy import main
from antiphon.services.runtime.embedded import child
from antiphon.services.runtime.settings import Settings
from tests.servers import NatsServer

#: The policy decides without PostgreSQL.
POSTGRES_URL = "postgresql://127.0.0.1:1/nothing"


@pytest.fixture
async def connection(nats_server: NatsServer) -> AsyncIterator[NatsClient]:
    """Connect to this test's nats-server, with its streams made."""
    client = await nats.connect(nats_server.url, max_reconnect_attempts=-1, reconnect_time_wait=0.1)
    await provision(client)
    yield client
    await client.close()


@pytest.fixture
def client(connection: NatsClient) -> Client:
    """What users import."""
    return Client(connection, timeout_seconds=15)


@pytest.fixture
def impatient(connection: NatsClient) -> Client:
    """A client that soon asks again, when an answer was lost with a killed process: for `*_surely` only."""
    return Client(connection, timeout_seconds=4)


@pytest.fixture
async def policy(connection: NatsClient, nats_server: NatsServer) -> AsyncIterator[None]:
    """Run the policy beside the test; the test fails if the policy does."""
    running = asyncio.create_task(main.run(Settings(nats_url=nats_server.url, postgres_url=POSTGRES_URL)))
    yield
    assert not running.done(), "the policy ended"
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


class PolicyProcess:
    """A policy process that can be killed and started again."""

    def __init__(self, nats_url: str) -> None:
        self._environment = os.environ | {"ANTIPHON_NATS_URL": nats_url, "ANTIPHON_POSTGRES_URL": POSTGRES_URL}
        self._process: subprocess.Popen[bytes] | None = None
        self.starts = 0

    def start(self) -> None:
        """Start; it connects by itself."""
        self.starts += 1
        command = child.ending_with_parent([sys.executable, "-m", "antiphon.services.policy"])
        self._process = subprocess.Popen(command, env=self._environment, stderr=subprocess.DEVNULL)  # noqa: S603

    @property
    def is_running(self) -> bool:
        """Whether it has not ended by itself."""
        return self._process is not None and self._process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        if self._process is not None:
            self._process.send_signal(number)

    def kill(self) -> None:
        """End it as by `kill -9`."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None


@pytest.fixture
def policy_process(connection: NatsClient, nats_server: NatsServer) -> Iterator[PolicyProcess]:
    """Run a policy process."""
    process = PolicyProcess(nats_server.url)
    process.start()
    yield process
    process.kill()
