"""`antiphon doctor`: checks everything that Antiphon needs, and gives advice about problems."""

from __future__ import annotations

import platform
from collections.abc import AsyncIterator
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

import orjson
import psycopg
import typer
from nats.aio.client import Client

from antiphon.services.cli import console
from antiphon.services.cli.health import database, log, machine, readers
from antiphon.services.cli.health.finding import Finding, Severity, ok
from antiphon.services.cli.installation import Installation
from antiphon.services.runtime.nats import brief_connection


async def doctor(where: Installation, *, as_json: bool) -> None:
    """Print all findings; exit code 1 if one is a problem."""
    nats, postgres = where.nats_url, where.postgres_url
    async with (
        brief_connection(nats) as client,
        await psycopg.AsyncConnection.connect(postgres, autocommit=True, connect_timeout=5) as connection,
    ):
        findings = [finding async for finding in _examine(client, connection, where.data_dir)]
    if as_json:
        console.raw(orjson.dumps([finding.model_dump() for finding in findings]).decode())
    else:
        _show(findings)
    if any(finding.severity is Severity.PROBLEM for finding in findings):
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
    styles = {Severity.OK: console.result, Severity.WARNING: console.warning, Severity.PROBLEM: console.failure}
    for finding in findings:
        advice = f"\n{'':9}{'':26}{finding.advice}" if finding.advice else ""
        styles[finding.severity](f"{finding.severity.value:<9}{finding.subject:<26}{finding.found}{advice}")
