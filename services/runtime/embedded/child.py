"""Starts and stops child processes that never outlive the process that started them."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import psutil

from antiphon.services.runtime.clock import monotonic
from antiphon.services.runtime.embedded.errors import EmbeddedServerError

_POLL_SECONDS: Final = 0.02
#: The parent may have ended before setpriv asked the kernel for the signal: then none comes.
_EXEC_WITH_PARENT: Final = '[ "$PPID" = "$0" ] && exec "$@"'


def ending_with_parent(
    command: Sequence[str | Path], *, user: str | None = None, on_parent_death: signal.Signals = signal.SIGKILL
) -> list[str]:
    """Return the command line that runs `command` as `user`, and signals it when the calling process ends.

    On Linux only; elsewhere the command runs as it is, and a killed parent leaves an orphan behind.
    """
    words = list(map(str, command))
    if sys.platform != "linux":
        return words
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise EmbeddedServerError("the program setpriv is missing: install the package util-linux")
    identity = [] if user is None else _identity(user)
    signalled = f"--pdeathsig={on_parent_death.name}"
    return [setpriv, *identity, signalled, "sh", "-c", _EXEC_WITH_PARENT, str(os.getpid()), *words]


def _identity(user: str) -> list[str]:
    return [f"--reuid={user}", f"--regid={pwd.getpwnam(user).pw_gid}", "--clear-groups", "--inh-caps=-all"]


def start(
    command: Sequence[str | Path],
    *,
    log: Path,
    user: str | None = None,
    on_parent_death: signal.Signals = signal.SIGKILL,
) -> subprocess.Popen[bytes]:
    """Start a server whose output goes to `log`, in a process group of its own: Ctrl-C reaches only us."""
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603
            ending_with_parent(command, user=user, on_parent_death=on_parent_death),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
        )


def stop(process: subprocess.Popen[bytes], number: signal.Signals, grace_seconds: float) -> None:
    """Ask a child to stop; kill it when it does not in time."""
    if process.poll() is None:
        process.send_signal(number)
    try:
        process.wait(grace_seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def remove_orphan(pid: int, marker: str, number: signal.Signals, grace_seconds: float) -> None:
    """End the process `pid` of an earlier, killed parent, if `marker` is in its command line.

    Only the holder of the data directory's lock may call this: no other process uses it then.
    """
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        if not any(marker in argument for argument in process.cmdline()):
            return
        process.send_signal(number)
        if not _has_ended(process, grace_seconds):
            process.kill()
            _has_ended(process, grace_seconds)


def _has_ended(process: psutil.Process, within_seconds: float) -> bool:
    deadline = monotonic() + within_seconds
    while monotonic() < deadline:
        # Not our child: its new parent may collect it late, and a zombie holds no resources.
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(_POLL_SECONDS)
    return False


def read_pid(path: Path) -> int | None:
    """Return the number on the first line of a pid file, if there is one."""
    try:
        return int(path.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None
