"""A server process under test: started on a free port, waited for, stopped without leftovers."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

_TETHER = Path(__file__).with_name("tether.py")
_GRACE_SECONDS = 20


class ServerDidNotStartError(Exception):
    """The server ended, or did not become ready in time; its output follows."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    name: str
    #: Base address of the API, without a slash at the end.
    api_url: str
    #: Where its output goes.
    log: Path


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def tethered(command: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command until the block ends at the latest; also gone when this process is killed."""
    whole = [sys.executable, str(_TETHER), str(_GRACE_SECONDS), *command]
    process = subprocess.Popen(whole, stdin=subprocess.PIPE, **options)  # noqa: S603
    try:
        yield process
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(_GRACE_SECONDS + 10)


@contextmanager
def running(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    log: Path,
    ready: Callable[[], bool],
    deadline_seconds: float = 120,
) -> Iterator[None]:
    """Run a server until the block ends."""
    with log.open("wb") as output, tethered(command, env=dict(environment), stdout=output, stderr=output) as process:
        _wait(process, log, ready, deadline_seconds)
        yield


def answers_health(api_url: str) -> bool:
    """Say whether the API answers that it is healthy."""
    try:
        return httpx.get(f"{api_url}/health", timeout=2).text == "true"
    except httpx.TransportError:
        return False


def _wait(process: subprocess.Popen[bytes], log: Path, ready: Callable[[], bool], deadline_seconds: float) -> None:
    deadline = time.monotonic() + deadline_seconds
    while not ready():
        ended = process.poll()
        if ended is not None or time.monotonic() > deadline:
            why = "ended" if ended is not None else "is not ready"
            raise ServerDidNotStartError(f"{why}: {' '.join(map(str, process.args))}\n{log.read_text()[-4000:]}")  # type: ignore[arg-type]
        time.sleep(0.1)
