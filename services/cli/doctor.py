"""`antiphon doctor`: looks at everything that Antiphon stands on, and says what to do about what it finds."""

from __future__ import annotations

import platform
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
import psycopg
import typer
from nats.aio.client import Client

from antiphon.services.cli import console, options, servers
from antiphon.services.cli.health import database, log, machine, readers
from antiphon.services.cli.health.finding import Finding, Level, ok
from antiphon.services.runtime.nats import brief_connection

_HERE: Final = Path(".antiphon")


def doctor(
    data_dir: options.DataDir = _HERE,
    nats_url: options.NatsUrl = None,
    postgres_url: options.PostgresUrl = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,  # noqa: FBT002
) -> None:
    """Look at versions, durability, permissions, schema, lag, clocks, parked messages and disk.

    Exit code 1 if there is a problem; a warning is none.
    """
    servers.run(_doctor(data_dir, nats_url, postgres_url, as_json=as_json))


async def _doctor(data_dir: Path, nats_url: str | None, postgres_url: str | None, *, as_json: bool) -> None:
    nats, postgres = servers.nats_url(data_dir, nats_url), servers.postgres_url(data_dir, postgres_url)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(brief_connection(nats))
        connection = await stack.enter_async_context(
            await psycopg.AsyncConnection.connect(postgres, autocommit=True, connect_timeout=5)
        )
        findings = [finding async for finding in _examine(client, connection, data_dir)]
    if as_json:
        console.raw(orjson.dumps([finding.model_dump() for finding in findings]).decode())
    else:
        _show(findings)
    if any(finding.level is Level.PROBLEM for finding in findings):
        raise typer.Exit(1)


async def _examine(client: Client, connection: psycopg.AsyncConnection[Any], data_dir: Path) -> AsyncIterator[Finding]:
    yield ok("antiphon", f"{installed_version('antiphon')} on Python {platform.python_version()}")
    async for finding in log.examined(client, data_dir):
        yield finding
    async for finding in database.examined(connection):
        yield finding
    for finding in await readers.examined(client, connection):
        yield finding
    async for finding in machine.examined(client, connection, data_dir):
        yield finding


def _show(findings: list[Finding]) -> None:
    styles = {Level.OK: console.result, Level.WARNING: console.warning, Level.PROBLEM: console.failure}
    for finding in findings:
        advice = f"\n{'':9}{'':26}{finding.advice}" if finding.advice else ""
        styles[finding.level](f"{finding.level.value:<9}{finding.subject:<26}{finding.found}{advice}")
