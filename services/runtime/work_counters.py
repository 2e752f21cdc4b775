"""Counts of a process' own work: plain numbers, added to once for each batch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class WorkCounters:
    """The number of messages that were handled since the start, and the time it took."""

    handled: int = 0
    failed: int = 0
    last_error: str = ""
    #: The sum over all messages; those of one batch are handled together.
    seconds: float = 0.0
    batches: int = 0
    #: Further numbers of one reader.
    data: dict[str, Any] = field(default_factory=dict)

    def add(self, count: int, seconds: float) -> None:
        """Count a handled batch."""
        self.handled += count
        self.seconds += count * seconds
        self.batches += 1

    def fail(self, why: str) -> None:
        """Count a message that could not be handled, and was parked."""
        self.failed += 1
        self.last_error = why
