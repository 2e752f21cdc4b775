"""Run one command that cannot outlive whoever started it: `python tether.py GRACE_SECONDS COMMAND...`.

The starter holds the other end of our standard input. When that closes, because the starter closed it or because it
died in whatever way, the command's whole process group is asked to stop, and killed if it does not.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading


def _signal_group(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, number)


def _stop_when_input_closes(child: subprocess.Popen[bytes], grace_seconds: float) -> None:
    # Below Python's buffer: it must not be in use when the interpreter ends.
    while os.read(0, 1):
        pass
    # Only the leader gets the first signal, as from a service manager: stopping the others is its own task.
    child.terminate()
    try:
        child.wait(grace_seconds)
    except subprocess.TimeoutExpired:
        _signal_group(child.pid, signal.SIGKILL)


def main() -> int:
    """Run the command; exit with its code, or 1 if a signal ended it."""
    grace_seconds = float(sys.argv[1])
    child = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL, start_new_session=True)  # noqa: S603
    threading.Thread(target=_stop_when_input_closes, args=(child, grace_seconds), daemon=True).start()
    code = child.wait()
    _signal_group(child.pid, signal.SIGKILL)
    return code if code >= 0 else 1


if __name__ == "__main__":
    # These reach the whole group of processes, so also the starter, which decides; if it dies of them, we notice.
    # Handled, not ignored: the command must not inherit it.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    sys.exit(main())
