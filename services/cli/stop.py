"""`antiphon stop`: ends the Antiphon that runs on a data directory."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Final

from antiphon.services.cli import console
from antiphon.services.cli.data_directory import DataDirectory
from antiphon.services.cli.failures import CommandFailedError, NotRunningError
from antiphon.services.runtime import clock

_POLL_SECONDS: Final = 0.05


async def stop(data_dir: Path, timeout_seconds: float) -> None:
    """Ask it to stop, and wait until it has.

    A held lock proves that the process with the recorded id lives and is ours: no other process is ended.
    """
    directory = DataDirectory(data_dir)
    pid = directory.running_pid()
    os.kill(pid, signal.SIGTERM)
    deadline = clock.monotonic() + timeout_seconds
    while clock.monotonic() < deadline:
        try:
            directory.running_pid()
        except NotRunningError:
            console.result(f"Antiphon has stopped (process {pid})")
            return
        await asyncio.sleep(_POLL_SECONDS)
    raise CommandFailedError(f"process {pid} is still running after {timeout_seconds:g} s")
