"""Positions in the log as users write them: a number, or a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from pydantic import TypeAdapter, ValidationError

LogPosition = int | datetime

#: The largest sequence that JetStream counts to.
LAST: Final = 2**63 - 1
#: The latest moment to which a microsecond can be added.
_LATEST: Final = datetime.max.replace(tzinfo=UTC) - timedelta(microseconds=1)
_MOMENT: Final = TypeAdapter(datetime)


def parse(text: str) -> LogPosition:
    """Parse a number, from 1, or a time, in UTC if it has no zone; raises ValueError."""
    if _is_number(text):
        # pydantic would read other numbers as seconds since 1970.
        if not text.isdecimal() or len(text) > len(str(LAST)) or not 1 <= int(text) <= LAST:
            msg = f"positions are from 1 to {LAST}"
            raise ValueError(msg)
        return int(text)
    try:
        moment = _MOMENT.validate_strings(text)
        return min((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC), _LATEST)
    except (ValidationError, OverflowError):
        msg = f"{text!r} is neither a position nor a time"
        raise ValueError(msg) from None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
