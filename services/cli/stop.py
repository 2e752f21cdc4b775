"""`antiphon stop`: ends the Antiphon that runs on a data directory."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Final

from antiphon.services.cli.data_directory import DataDirectory
from antiphon.services.cli.failures import NotRunningError
from antiphon.services.runtime import clock

_POLL_SECONDS: Final = 0.05


class StillRunningError(Exception):
    """Antiphon was asked to stop, and did not in time."""


def stop(data_dir: Path, timeout_seconds: float) -> int:
    """Ask it to stop and wait until it has; return what its process id was.

    The lock tells that the recorded process lives and is ours, so no other process can be hit. Raises NotRunningError
    or StillRunningError.
    """
    directory = DataDirectory(data_dir)
    pid = directory.running_pid()
    os.kill(pid, signal.SIGTERM)
    deadline = clock.monotonic() + timeout_seconds
    while clock.monotonic() < deadline:
        try:
            directory.running_pid()
        except NotRunningError:
            return pid
        time.sleep(_POLL_SECONDS)
    raise StillRunningError(f"process {pid} is still running after {timeout_seconds:g} s")
