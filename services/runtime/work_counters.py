"""What a process counts of its own work: plain numbers, added to once for each batch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Tally:
    """How much was handled since the start, and how long that took."""

    handled: int = 0
    failed: int = 0
    last_error: str = ""
    #: For how long each was in hand, added up: those of one batch are in hand together.
    seconds: float = 0.0
    batches: int = 0
    #: Numbers of its own.
    data: dict[str, Any] = field(default_factory=dict)

    def add(self, count: int, seconds: float) -> None:
        """A batch is handled."""
        self.handled += count
        self.seconds += count * seconds
        self.batches += 1

    def fail(self, why: str) -> None:
        """Something could not be handled, and was put aside."""
        self.failed += 1
        self.last_error = why
