"""The only module that reads the clock; all other code gets the time as an argument."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Returns the wall-clock time; `now` is one, and a `ManualClock` another."""

    def __call__(self) -> datetime:
        """Return the time, in UTC."""
        ...


def now() -> datetime:
    """Return the wall-clock time, in UTC."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Return seconds since a fixed moment, for deadlines; this clock is never set back."""
    return time.monotonic()


def nanoseconds() -> int:
    """Return nanoseconds since 1970, the unit of traces."""
    return time.time_ns()


class ManualClock:
    """A clock for tests that stands still until it is moved."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def __call__(self) -> datetime:
        """Return the time that was set last."""
        return self._now

    def set(self, to: datetime) -> None:
        """Move to a time."""
        self._now = to

    def advance(self, by: timedelta) -> None:
        """Move forward."""
        self._now += by
