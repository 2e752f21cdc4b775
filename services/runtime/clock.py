"""The only place that reads the clock; everything else is told what time it is."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the wall-clock time; `now` below is one, so is a `ManualClock`."""

    def __call__(self) -> datetime:
        """Return the time, in UTC."""
        ...


def now() -> datetime:
    """Return the wall-clock time, in UTC."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Return seconds since some fixed moment, for deadlines: never set back."""
    return time.monotonic()


def nanoseconds() -> int:
    """Return nanoseconds since 1970, as traces have them."""
    return time.time_ns()


class ManualClock:
    """A clock that stands still until it is moved; for tests."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def __call__(self) -> datetime:
        """Return the time it was last moved to."""
        return self._now

    def advance(self, by: timedelta) -> None:
        """Move forward."""
        self._now += by
