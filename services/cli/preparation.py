"""Prepares the servers before roles start: streams and tables of this version."""

from __future__ import annotations

import re
from typing import Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from antiphon.services.cli.failures import CannotStartError
from antiphon.services.runtime.nats import NatsUnusableError, brief_connection

_CONNECT_SECONDS: Final = 5


async def prepare_nats(url: str) -> None:
    """Create or update the streams; raises CannotStartError when NATS cannot be used."""
    from antiphon.events.log.nats.provision import provision

    try:
        async with brief_connection(url) as client:
            await provision(client)
    except NatsUnusableError as error:
        raise CannotStartError(f"NATS at {without_password(url)} cannot be used: {error}") from error


async def prepare_postgres(url: str) -> None:
    """Create or update the tables; raises CannotStartError when PostgreSQL cannot be used."""
    try:
        connection = await psycopg.AsyncConnection.connect(make_conninfo(url, connect_timeout=_CONNECT_SECONDS))
        await connection.close()
    except psycopg.Error as error:
        reason = str(error).strip().splitlines()[0]
        raise CannotStartError(f"PostgreSQL at {address(url)} cannot be used: {reason}") from error
    from antiphon.projections.core.migrate import migrate

    await migrate(url)


async def require_same_log(nats_url: str, postgres_url: str) -> None:
    """Raises CannotStartError when the log is not the one that the database knows."""
    from antiphon.events.log.nats.jetstream import JetStreamLog
    from antiphon.projections.archive import continuity

    async with brief_connection(nats_url) as client:
        try:
            await continuity.require_same_log(JetStreamLog(client), postgres_url)
        except continuity.OtherLogError as error:
            raise CannotStartError(f"This log cannot be served: {error}") from error


def without_password(url: str) -> str:
    """Return a URL without user and password."""
    return ",".join(re.sub(r"^([a-z+]*://)?.*@", r"\1", one) for one in url.split(","))


def address(url: str) -> str:
    """Return host and port of a PostgreSQL URL or conninfo, without the password."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        return "the given --postgres-url"
    host = str(parts.get("host") or "localhost")
    if host.startswith("/"):
        # The folder of a Unix socket.
        host = "localhost"
    return f"{host}:{parts.get('port') or 5432}"
