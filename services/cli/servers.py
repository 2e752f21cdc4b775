"""Which servers a command speaks to: those that were named, or those of the Antiphon that runs here."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
import typer
from nats.aio.client import Client as NatsClient

from antiphon.events.client.client import Client
from antiphon.events.log.errors import LogError
from antiphon.services.cli import console
from antiphon.services.cli.data_directory import DataDirectory
from antiphon.services.cli.failures import NotRunningError
from antiphon.services.cli.preparation import without_password
from antiphon.services.runtime.lifecycle import collect_garbage_rarely
from antiphon.services.runtime.nats import NatsUnusableError, brief_connection

_FAILED: Final = 1


def nats_url(data_dir: Path, given: str | None) -> str:
    """Raises NotRunningError where none was named and none runs."""
    return given or DataDirectory(data_dir).read().nats_url


def postgres_url(data_dir: Path, given: str | None) -> str:
    """Raises NotRunningError where none was named and none runs."""
    return given or DataDirectory(data_dir).read().postgres_url


@asynccontextmanager
async def connection(url: str) -> AsyncIterator[NatsClient]:
    """A connection for a command; raises NatsUnusableError, which says where there is no server."""
    try:
        async with brief_connection(url) as client:
            yield client
    except NatsUnusableError as error:
        raise NatsUnusableError(f"NATS at {without_password(url)} cannot be used: {error}") from error


@asynccontextmanager
async def log_client(url: str) -> AsyncIterator[Client]:
    """A client that goes on after an outage; raises NatsUnusableError where there is no server to begin with."""
    async with connection(url):
        pass
    async with Client.connect(url) as client:
        yield client


def run(command: Coroutine[Any, Any, None]) -> None:
    """Carry a command out; one sentence and exit code 1 where it cannot be. Ctrl-C ends it as if it were done."""
    try:
        # It may read the whole log.
        collect_garbage_rarely()
        asyncio.run(command)
    except BrokenPipeError:
        # Whoever read has had enough; what is left in the buffer has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        return
    except (NotRunningError, NatsUnusableError, LogError) as error:
        console.failure(str(error))
        raise typer.Exit(_FAILED) from None
    except psycopg.Error as error:
        console.failure(f"PostgreSQL: {str(error).strip().splitlines()[0]}")
        raise typer.Exit(_FAILED) from None
