"""The servers that are compared, each started on an empty directory, with PostgreSQL from the same binaries."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psycopg

from antiphon.services.cli.data_directory import DataDirectory, RunFile
from antiphon.services.runtime.embedded.nats_server import NatsServer
from antiphon.services.runtime.embedded.postgres import PostgresServer
from tests.acceptance.antiphon import running_antiphon as started_antiphon
from tests.acceptance.oracle import oracle_venv, prefect_environment
from tests.acceptance.server import Server, answers_health, free_port, running
from tests.benchmarks.figures import InvalidRunError
from tests.benchmarks.report import EMBEDDED, EXTERNAL, PREFECT

#: The first start makes the whole schema, one migration after the other.
_PREFECT_START_SECONDS = 240


@contextmanager
def running_prefect(directory: Path) -> Iterator[Server]:
    """Run a genuine Prefect server with its services at their defaults, without UI and telemetry."""
    with PostgresServer(directory / "postgres") as postgres:
        require_durable(postgres.create_database("prefect"))
        database = postgres.tcp_url_of("prefect").replace("postgresql://", "postgresql+asyncpg://")
        home = directory / "home"
        home.mkdir()
        port = free_port()
        api_url = f"http://127.0.0.1:{port}/api"
        environment = prefect_environment(home) | {
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": database,
            "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
        }
        # The module, not the venv's script: its first line would hold the path where the venv was made.
        command = [str(oracle_venv() / "bin/python"), "-m", "prefect", "server", "start"]
        command += ["--host", "127.0.0.1", "--port", str(port), "--no-ui"]
        log = directory / "server.log"
        with running(
            command,
            environment=environment,
            log=log,
            ready=lambda: answers_health(api_url),
            deadline_seconds=_PREFECT_START_SECONDS,
        ):
            yield Server("Prefect", api_url, log)


@contextmanager
def running_antiphon(directory: Path) -> Iterator[Server]:
    """Run `antiphon start` as a user would, with everything embedded."""
    with started_antiphon(directory / "antiphon") as server:
        require_durable(run_of(server).postgres_url)
        require_synced_log(data_directory(server))
        yield Server("Antiphon", server.api_url, server.log)


@contextmanager
def running_with_external_servers(directory: Path) -> Iterator[Server]:
    """Run `antiphon start` on a nats-server and a PostgreSQL of their own, as an operator does."""
    with NatsServer(directory / "nats") as nats, PostgresServer(directory / "postgres") as postgres:
        require_durable(postgres.create_database("antiphon"))
        require_synced_log(directory)
        options = ("--nats-url", nats.url, "--postgres-url", postgres.tcp_url_of("antiphon"))
        with started_antiphon(directory / "antiphon", *options) as server:
            yield server


SERVERS: Mapping[str, Callable[[Path], AbstractContextManager[Server]]] = {
    PREFECT: running_prefect,
    EMBEDDED: running_antiphon,
    EXTERNAL: running_with_external_servers,
}


def run_of(server: Server) -> RunFile:
    """What runs where in a running Antiphon."""
    return DataDirectory(data_directory(server)).read()


def data_directory(server: Server) -> Path:
    """Where a running Antiphon keeps its data."""
    return server.log.parent / "data"


def require_durable(postgres_url: str) -> None:
    """Make sure that this PostgreSQL confirms a commit only when it is on disk."""
    with psycopg.connect(postgres_url) as connection:
        for setting in ("fsync", "synchronous_commit"):
            row = connection.execute("SELECT current_setting(%s)", [setting]).fetchone()
            if row != ("on",):
                raise InvalidRunError(f"PostgreSQL runs with {setting} = {row}")


def require_synced_log(data: Path) -> None:
    """Make sure that the embedded nats-server confirms a message only when it is on disk."""
    configurations = [path.read_text() for path in data.rglob("nats-server.conf")]
    if len(configurations) != 1 or "sync_interval: always" not in configurations[0]:
        raise InvalidRunError(f"nats-server does not run with sync_interval: always: {configurations}")
