"""Which of the machine's cores a process runs on, where all roles share one machine (docs/adr/0025)."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Final

from antiphon.services.runtime import clock

#: So long after a crowd everything is taken to be quiet.
_QUIET_SECONDS: Final = 0.5


def available() -> list[int]:
    """The cores this process may use; none where the system cannot be asked."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def stand_aside(*others: int) -> None:
    """Keep this process, and others by their pid, to the last core: they follow what commands lead to."""
    # Whoever stands aside already, and gets another one to work for it, takes that along.
    for pid in (0, *others):
        _keep(pid, set(available()[-1:]))


def _keep(pid: int, cores: set[int]) -> None:
    if not cores:
        return
    # Another user's process, or one that has ended, stays where it is.
    with suppress(OSError):
        os.sched_setaffinity(pid, cores)


class Gathering:
    """Keeps this process on the first core as long as it has one request in hand at a time, else on any.

    The processes on the way of a command, which work one after the other then, find their memory in that core's
    cache, and none has to be woken up on another.
    """

    def __init__(self) -> None:
        self._all = set(available())
        self._first = set(sorted(self._all)[:1])
        self._is_gathered = False
        self._crowded_at = clock.monotonic()

    def note(self, in_hand: int) -> None:
        """A request has come; with it there are so many."""
        if in_hand > 1:
            self._crowded_at = clock.monotonic()
            if self._is_gathered:
                self._move(is_gathered=False)
        elif not self._is_gathered and clock.monotonic() - self._crowded_at > _QUIET_SECONDS:
            self._move(is_gathered=True)

    def _move(self, *, is_gathered: bool) -> None:
        self._is_gathered = is_gathered
        _keep(0, self._first if is_gathered else self._all)
