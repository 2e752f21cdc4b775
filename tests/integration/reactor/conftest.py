"""Servers with streams, and the roles around the reactor."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from antiphon.services.runtime.embedded import child
from antiphon.services.runtime.settings import Settings
from tests.integration import in_process
from tests.integration.in_process import NO_POSTGRES


@asynccontextmanager
async def running(nats_url: str, *roles: Callable[[Settings], Awaitable[None]]) -> AsyncIterator[None]:
    """Run roles in this event loop; one that ends by itself fails the test."""
    async with in_process.running(Settings(nats_url=nats_url, postgres_url=NO_POSTGRES), *roles):
        yield


@contextmanager
def reactor_process(nats_url: str) -> Iterator[subprocess.Popen[bytes]]:
    """A reactor that is killed at the end of the block."""
    environment = {**os.environ, "ANTIPHON_NATS_URL": nats_url, "ANTIPHON_POSTGRES_URL": NO_POSTGRES}
    command = child.ending_with_parent(
        [sys.executable, "-m", "antiphon.services.reactor"], on_parent_death=signal.SIGKILL
    )
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)  # noqa: S603
    try:
        yield process
    finally:
        process.kill()
        process.wait()
