"""`antiphon start`: everything on this machine, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Final

from antiphon.services.cli import console
from antiphon.services.cli.choices import GATEWAY
from antiphon.services.cli.data_directory import DataDirectory, RunFile
from antiphon.services.cli.failures import CannotStartError
from antiphon.services.cli.preparation import (
    address,
    prepare_nats,
    prepare_postgres,
    require_same_log,
    without_password,
)
from antiphon.services.cli.supervisor import Server, Supervisor, answers_health
from antiphon.services.runtime import clock
from antiphon.services.runtime.embedded import port
from antiphon.services.runtime.embedded.errors import EmbeddedServerError
from antiphon.services.runtime.embedded.nats_server import NatsServer
from antiphon.services.runtime.embedded.postgres import PostgresServer
from antiphon.services.runtime.lifecycle import STOP_SIGNALS, until_signalled
from antiphon.services.runtime.settings import LogLevel

#: The roles that must not run on a log that has lost something; the others help to mend it.
DECIDES_OR_SERVES: Final = frozenset({"policy", GATEWAY})
_ANY_ADDRESS: Final = {"0.0.0.0": port.LOOPBACK, "::": "::1"}  # noqa: S104


@dataclass(frozen=True, slots=True, kw_only=True)
class StartOptions:
    """The options of `antiphon start`."""

    data_dir: Path
    host: str
    port: int
    nats_url: str | None
    postgres_url: str | None
    roles: tuple[str, ...]
    log_level: LogLevel
    query_timeout_seconds: float

    @property
    def reachable_host(self) -> str:
        """The host under which a client on this machine reaches the API."""
        return _ANY_ADDRESS.get(self.host, self.host)

    @property
    def api_url(self) -> str | None:
        """The address of the API, if a gateway is started here."""
        if GATEWAY not in self.roles:
            return None
        host = self.reachable_host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/api"


def start(options: StartOptions) -> None:
    """Run until asked to stop; raises CannotStartError if that is not possible."""
    for number in STOP_SIGNALS:
        signal.signal(number, _interrupt)
    directory = DataDirectory(options.data_dir)
    with contextlib.suppress(KeyboardInterrupt), directory.locked(), ExitStack() as servers:
        try:
            _start(options, directory, servers)
        finally:
            # A second Ctrl-C must not interrupt the stop of the servers.
            for number in STOP_SIGNALS:
                signal.signal(number, signal.SIG_IGN)


def _start(options: StartOptions, directory: DataDirectory, stack: ExitStack) -> None:
    _check_port(options)
    console.title(f"Antiphon is starting with data in {directory.path}")
    try:
        nats_url, postgres_url, servers = _servers(options, directory, stack)
    except EmbeddedServerError as error:
        raise CannotStartError(str(error)) from error
    except OSError as error:
        raise CannotStartError(f"cannot use the data directory {directory.path}: {error.strerror}") from error
    run = RunFile(
        pid=os.getpid(),
        started_at=clock.now().isoformat(),
        api_url=options.api_url,
        nats_url=nats_url,
        postgres_url=postgres_url,
        servers=[],
        roles=[],
    )
    asyncio.run(until_signalled(_run(options, directory, run, servers), lambda: console.title("Antiphon is stopping")))


def _servers(options: StartOptions, directory: DataDirectory, stack: ExitStack) -> tuple[str, str, dict[str, Server]]:
    servers: dict[str, Server] = {}
    nats_url, postgres_url = options.nats_url, options.postgres_url
    if nats_url is None:
        nats_server = stack.enter_context(NatsServer(directory.path / "nats"))
        servers["nats-server"], nats_url = nats_server, nats_server.url
    console.progress("NATS", without_password(nats_url))
    if postgres_url is None:
        postgres = stack.enter_context(PostgresServer(directory.path / "postgres"))
        servers["postgres"], postgres_url = postgres, postgres.url
    console.progress("PostgreSQL", address(postgres_url))
    return nats_url, postgres_url, servers


async def _run(options: StartOptions, directory: DataDirectory, run: RunFile, servers: dict[str, Server]) -> None:
    await prepare_nats(run.nats_url)
    await prepare_postgres(run.postgres_url)
    console.progress("schema", "streams and tables are up to date")
    if DECIDES_OR_SERVES.intersection(options.roles):
        await require_same_log(run.nats_url, run.postgres_url)
    supervisor = Supervisor(
        directory,
        run,
        modules={role: f"antiphon.services.{role}" for role in options.roles},
        errands=await _errands(options, run),
        environment=_environment(options, directory, run),
        servers=servers,
        api_port=options.port,
    )
    console.progress("roles", ", ".join(options.roles))
    await supervisor.run(partial(answers_health, options.reachable_host, options.port), partial(_announce, options))


async def _errands(options: StartOptions, run: RunFile) -> dict[str, str]:
    """The processes that run once: a rebuild, if another version built the read models."""
    from antiphon.projections.rebuild.rebuild import is_outdated

    if "projector" not in options.roles or not await is_outdated(run.postgres_url):
        return {}
    console.progress("rebuild", "another version built the read models: they are built again while these are in use")
    return {"rebuild": "antiphon.services.cli.rebuild"}


def _announce(options: StartOptions) -> None:
    console.result(f"Antiphon is ready: {options.api_url or ', '.join(options.roles)}")


def _environment(options: StartOptions, directory: DataDirectory, run: RunFile) -> dict[str, str]:
    return {
        **os.environ,
        "ANTIPHON_NATS_URL": run.nats_url,
        "ANTIPHON_POSTGRES_URL": run.postgres_url,
        "ANTIPHON_API_HOST": options.host,
        "ANTIPHON_API_PORT": str(options.port),
        "ANTIPHON_DATA_DIR": str(directory.path),
        "ANTIPHON_LOG_LEVEL": options.log_level,
        "ANTIPHON_QUERY_TIMEOUT_SECONDS": str(options.query_timeout_seconds),
        # The supervisor reads the output of a role, and writes it to the role's log.
        "ANTIPHON_LOG_FORMAT": "json",
    }


def _check_port(options: StartOptions) -> None:
    if GATEWAY in options.roles and not port.is_free(options.host, options.port):
        raise CannotStartError(
            f"port {options.port} on {options.host} cannot be used, another program may be listening there; "
            "choose another with --port"
        )


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
