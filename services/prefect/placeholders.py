"""What stands in values for what they will be, while they are checked before that is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Pending:
    """A value that will be made of a template, which is sound."""

    template: Any


@dataclass(frozen=True, slots=True)
class Faulty:
    """A value that cannot be made, and why."""

    reason: str
