"""Messages that no code can handle: they are parked (docs/adr/0003)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

#: The length of a stored error.
_LONGEST_ERROR: Final = 2000


class Reason(StrEnum):
    """Why a message was parked: few values, so that many messages can be counted by them."""

    #: It does not match its subject and headers.
    UNREADABLE = "unreadable"
    #: The decider raised: a fault of the policy.
    UNDECIDABLE = "undecidable"
    #: PostgreSQL refuses the rows.
    UNWRITABLE = "unwritable"
    #: What would follow from it is larger than NATS takes.
    TOO_LARGE = "too_large"


@dataclass(frozen=True, slots=True)
class Unhandled:
    """A message that its consumer could not handle."""

    #: Its stream and sequence: a redelivery has the same id, another message never has.
    id: str
    subject: str
    headers: Mapping[str, str] | None
    data: bytes
    reason: Reason
    error: str


def one_line(error: str) -> str:
    """An error as one line of printable text, which headers and tables can store."""
    line = " ".join(error.split())[:_LONGEST_ERROR]
    return line if line.isprintable() else line.encode("unicode_escape").decode()
