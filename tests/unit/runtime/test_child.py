"""The command lines of child processes: they end with their parent, and get no right that they do not need."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

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


@pytest.mark.parametrize(("mode", "may_pass"), [(0o755, False), (0o700, True)])
def test_another_user_may_pass_closed_folders_only_where_there_are_some(mode: int, *, may_pass: bool) -> None:
    # Not pytest's folder: that is always closed.
    with TemporaryDirectory() as folder:
        Path(folder).chmod(mode)
        command = child.ending_with_parent(["/bin/echo", Path(folder) / "file"], user="nobody")
    assert ("--ambient-caps=+dac_override" in command) is may_pass
