"""The data directory of an installation: its lock, its logs, and the file about its processes."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from antiphon.services.cli.failures import CannotStartError, NotRunningError
from antiphon.services.runtime.clock import monotonic

_LOCK_SECONDS: Final = 1.0
_POLL_SECONDS: Final = 0.05


class ServerEntry(BaseModel):
    """An embedded server."""

    name: str
    pid: int
    port: int


class RoleEntry(BaseModel):
    """A running role process."""

    role: str
    pid: int
    #: Only the gateway listens.
    port: int | None
    started_at: str
    restarts: int


class RunFile(BaseModel):
    """The processes and addresses of a running Antiphon; `run.json`."""

    pid: int
    started_at: str
    #: None when the gateway is not among the roles started here.
    api_url: str | None
    nats_url: str
    postgres_url: str
    servers: list[ServerEntry]
    roles: list[RoleEntry]


class DataDirectory:
    """The files of one installation."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._run_file = self.path / "run.json"
        self._lock_file = self.path / "lock"

    @property
    def logs(self) -> Path:
        """The folder of the roles' logs."""
        return self.path / "logs"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock: only one Antiphon runs here. The kernel releases it when the process ends."""
        try:
            self.logs.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._lock_file, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise CannotStartError(f"cannot write in the data directory {self.path}: {error.strerror}") from error
        try:
            if not _lock(descriptor, _LOCK_SECONDS):
                raise CannotStartError(
                    f"Antiphon is already running on {self.path} (process {self._lock_file.read_text()}); "
                    "stop it with `antiphon stop`, or choose another --data-dir"
                )
            os.ftruncate(descriptor, 0)
            os.write(descriptor, str(os.getpid()).encode())
            self._run_file.unlink(missing_ok=True)
            yield
            self._run_file.unlink(missing_ok=True)
        finally:
            os.close(descriptor)

    def running_pid(self) -> int:
        """Return the process id of the Antiphon that runs here; raises NotRunningError if none does."""
        try:
            descriptor = os.open(self._lock_file, os.O_RDONLY)
        except OSError:
            raise NotRunningError(f"Antiphon is not running on {self.path}") from None
        try:
            if _lock(descriptor, 0):
                raise NotRunningError(f"Antiphon is not running on {self.path}")
            return int(os.read(descriptor, 20))
        finally:
            os.close(descriptor)

    def write(self, run: RunFile) -> None:
        """Replace the file about the processes; readers see the old text or the new one, never a part."""
        unfinished = self._run_file.with_suffix(".unfinished")
        unfinished.unlink(missing_ok=True)
        # It holds the database's password.
        unfinished.touch(mode=0o600)
        unfinished.write_text(run.model_dump_json(indent=2) + "\n")
        unfinished.replace(self._run_file)

    def read(self) -> RunFile:
        """Return the processes and addresses; raises NotRunningError if no Antiphon is ready here."""
        pid = self.running_pid()
        try:
            run = RunFile.model_validate_json(self._run_file.read_text())
        except FileNotFoundError:
            run = None
        if run is None or run.pid != pid:
            raise NotRunningError(f"Antiphon is starting or stopping on {self.path}; try again in a moment")
        return run


def _lock(descriptor: int, within_seconds: float) -> bool:
    deadline = monotonic() + within_seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # A reader may hold the lock for a moment, or a killed predecessor may not have ended yet.
            if monotonic() >= deadline:
                return False
            time.sleep(_POLL_SECONDS)
        else:
            return True
