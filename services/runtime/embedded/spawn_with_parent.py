"""Runs as a script: becomes another program that ends when its parent ends, as another user if asked.

`python tether.py PARENT_PID SIGNAL USER COMMAND...` where USER is a name, or `-` for the present one. It has a process
of its own because Python code between fork and exec is unsafe, and imports nothing else of ours to start quickly.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_SECUREBITS = 28
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_SECUREBITS_KEEP_CAPABILITIES_ON_SETUID = (1 << 4) | (1 << 2)  # KEEP_CAPS, NO_SETUID_FIXUP
_CAPABILITY_VERSION_3 = 0x20080522
_CAP_DAC_OVERRIDE = 1
_LINUX = sys.platform == "linux"


def main() -> None:
    """Become the command."""
    parent, signal_number, user, *command = sys.argv[1:]
    if user != "-":
        _become(pwd.getpwnam(user))
    if _LINUX:
        # After the change of user, which clears it. If the parent is gone already, no signal will come.
        _prctl(_PR_SET_PDEATHSIG, int(signal_number))
        if os.getppid() != int(parent):
            sys.exit(1)
    os.execv(command[0], command)  # noqa: S606


def _become(user: pwd.struct_passwd) -> None:
    if _LINUX:
        # Lets the user pass through folders that only root may enter (a clone in /root, a `mktemp -d`) without
        # changing their permissions. Where the right cannot be given, open folders still work.
        _keep_file_access()
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    os.environ["HOME"] = "/"


def _keep_file_access() -> None:
    mask = 1 << _CAP_DAC_OVERRIDE
    changing_user = 1 << 6 | 1 << 7  # CAP_SETGID, CAP_SETUID: needed until the change of user, gone after exec
    if _prctl(_PR_SET_SECUREBITS, _SECUREBITS_KEEP_CAPABILITIES_ON_SETUID) != 0:
        return
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)(mask | changing_user, mask | changing_user, mask, 0, 0, 0)
    if ctypes.CDLL(None).capset(header, sets) == 0:
        _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE)


def _prctl(option: int, *arguments: int) -> int:
    padded = [ctypes.c_ulong(argument) for argument in (*arguments, 0, 0, 0, 0)[:4]]
    result: int = ctypes.CDLL(None).prctl(option, *padded)
    return result


if __name__ == "__main__":
    main()
