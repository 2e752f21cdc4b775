"""Records where a process of Antiphon spends its time, with py-spy."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from antiphon.services.runtime.embedded import child
from tests.acceptance.server import Server
from tests.benchmarks.figures import InvalidRunError
from tests.benchmarks.servers import run_of

_SAMPLES_PER_SECOND = 200
_GRACE_SECONDS = 60.0


@contextmanager
def profiled(server: Server, role: str, output: Path) -> Iterator[None]:
    """Record the processes of a role during the block: a speedscope file, or folded stacks if named `*.raw`."""
    pids = [process.pid for process in run_of(server).roles if process.role == role]
    if not pids:
        raise InvalidRunError(f"no process of role {role!r} is running")
    recordings = [_start(pid, _numbered(output, number)) for number, pid in enumerate(pids)]
    try:
        yield
    finally:
        for recording in recordings:
            # It writes its file when it is interrupted.
            recording.send_signal(signal.SIGINT)
    for recording in recordings:
        if recording.wait(_GRACE_SECONDS) != 0:
            raise InvalidRunError(f"py-spy ended with exit code {recording.returncode}")


def _start(pid: int, output: Path) -> subprocess.Popen[bytes]:
    form = "raw" if output.suffix == ".raw" else "speedscope"
    command = [str(Path(sys.executable).with_name("py-spy")), "record", "--pid", str(pid)]
    command += ["--rate", str(_SAMPLES_PER_SECOND), "--format", form, "--output", str(output)]
    return subprocess.Popen(child.ending_with_parent(command), stdout=subprocess.DEVNULL)  # noqa: S603


def _numbered(output: Path, number: int) -> Path:
    return output if number == 0 else output.with_stem(f"{output.stem}-{number}")
