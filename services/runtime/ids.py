"""The only place that makes new ids: UUIDs of version 7 (ordered by time) and 4 (random)."""

from __future__ import annotations

import os
import random
import secrets
import threading
import time
import uuid
from datetime import datetime
from typing import Final

_VERSION_7: Final = 0x7 << 76
_VARIANT: Final = 0b10 << 62
_COUNTER_BITS: Final = 12
_RANDOM_BITS: Final = 62


#: Ids are no secrets: the system is asked for chance once, not for each of them.
_chance: Final = random.Random(secrets.randbits(256))  # noqa: S311
os.register_at_fork(after_in_child=lambda: _chance.seed(secrets.randbits(256)))


def uuid4() -> uuid.UUID:
    """Return a random id."""
    return uuid.UUID(int=_chance.getrandbits(128), version=4)


def uuid7() -> uuid.UUID:
    """Return an id greater than every id this process made before (RFC 9562, section 6.2, method 1)."""
    return _generator.next()


def uuid7_at(moment: datetime) -> uuid.UUID:
    """Return an id as it might have been made at another time, for what is told afterwards."""
    milliseconds = int(moment.timestamp() * 1000)
    return uuid.UUID(int=milliseconds << 80 | _VERSION_7 | _chance.getrandbits(_COUNTER_BITS) << 64 | _random_end())


def _random_end() -> int:
    return _VARIANT | _chance.getrandbits(_RANDOM_BITS)


class _Generator:
    """Milliseconds, then a 12-bit counter within the millisecond, then 62 random bits."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._milliseconds = 0
        self._counter = 0

    def next(self) -> uuid.UUID:
        with self._lock:
            self._advance(time.time_ns() // 1_000_000)
            milliseconds, counter = self._milliseconds, self._counter
        bits = milliseconds << 80 | _VERSION_7 | counter << 64 | _random_end()
        return uuid.UUID(int=bits)

    def _advance(self, milliseconds: int) -> None:
        if milliseconds > self._milliseconds:
            self._milliseconds = milliseconds
            # Starting in the lower half leaves room to count up within the millisecond.
            self._counter = _chance.getrandbits(_COUNTER_BITS - 1)
            return
        self._counter += 1
        if self._counter >> _COUNTER_BITS:
            # Running ahead of the clock keeps the order; the clock catches up within the millisecond.
            self._milliseconds += 1
            self._counter = 0


_generator = _Generator()
