"""The command lines of child processes: they end with their parent, and as another user they have no rights."""

import os
import signal
import subprocess
import sys

import pytest

from antiphon.services.runtime.embedded import child

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems have no signal at a parent's death")


def test_a_child_gets_the_signal_when_its_parent_dies() -> None:
    program = "import ctypes; number = ctypes.c_int(); ctypes.CDLL(None).prctl(2, ctypes.byref(number)); print(number)"
    command = child.ending_with_parent([sys.executable, "-c", program], on_parent_death=signal.SIGQUIT)
    assert subprocess.check_output(command, text=True).strip() == "c_int(3)"  # noqa: S603


def test_a_child_whose_parent_has_ended_already_does_not_run() -> None:
    command = child.ending_with_parent(["/bin/echo", "it runs"])
    elsewhere = [word if word != str(os.getpid()) else "1" for word in command]
    assert subprocess.run(elsewhere, capture_output=True, check=False).stdout == b""  # noqa: S603


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a process as another user")
def test_another_user_gets_no_capability() -> None:
    command = child.ending_with_parent(["/bin/cat", "/proc/self/status"], user="nobody")
    status = dict(line.split(":", 1) for line in subprocess.check_output(command, text=True).splitlines())  # noqa: S603
    assert {name: int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {
        "CapInh": 0, "CapPrm": 0, "CapEff": 0, "CapAmb": 0
    }  # fmt: skip
