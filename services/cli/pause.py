"""The pause before a process is started again."""

from __future__ import annotations

from typing import Final

_FIRST_SECONDS: Final = 0.2
_LONGEST_SECONDS: Final = 10.0
_HEALTHY_SECONDS: Final = 30.0


class GrowingPause:
    """Doubles from 0.2 s to 10 s; starts over after the process lived for 30 s."""

    def __init__(self) -> None:
        self._seconds = _FIRST_SECONDS

    def after(self, lived_seconds: float) -> float:
        """Return the pause before the next start, given how long the last life was."""
        if lived_seconds >= _HEALTHY_SECONDS:
            self._seconds = _FIRST_SECONDS
        seconds = self._seconds
        self._seconds = min(2 * seconds, _LONGEST_SECONDS)
        return seconds
