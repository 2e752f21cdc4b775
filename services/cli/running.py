"""Runs the work of a command, with connections to the servers that it needs."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final

import psycopg
import typer
from nats.aio.client import Client as NatsClient

from antiphon.events.client.client import Client
from antiphon.events.log.errors import LogError
from antiphon.services.cli import console
from antiphon.services.cli.failures import CommandFailedError
from antiphon.services.cli.preparation import without_password
from antiphon.services.runtime.lifecycle import collect_garbage_rarely
from antiphon.services.runtime.nats import NatsUnusableError, brief_connection

_FAILED: Final = 1


@asynccontextmanager
async def connection(url: str) -> AsyncIterator[NatsClient]:
    """A connection for one command; raises NatsUnusableError, which names the address without a server."""
    try:
        async with brief_connection(url) as client:
            yield client
    except NatsUnusableError as error:
        raise NatsUnusableError(f"NATS at {without_password(url)} cannot be used: {error}") from error


@asynccontextmanager
async def log_client(url: str) -> AsyncIterator[Client]:
    """A client that reconnects after an outage; raises NatsUnusableError if there is no server at the start."""
    async with connection(url):
        pass
    async with Client.connect(url) as client:
        yield client


def run(command: Coroutine[Any, Any, None]) -> None:
    """Run a command: a failure is one sentence and exit code 1, Ctrl-C a success."""
    try:
        # Some commands read the whole log.
        collect_garbage_rarely()
        asyncio.run(command)
    except BrokenPipeError:
        # The reader of our output has closed it; the rest of the buffer goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        return
    except (CommandFailedError, NatsUnusableError, LogError) as error:
        console.failure(str(error))
        raise typer.Exit(_FAILED) from None
    except psycopg.Error as error:
        console.failure(f"PostgreSQL: {str(error).strip().splitlines()[0]}")
        raise typer.Exit(_FAILED) from None
