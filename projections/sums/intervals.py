"""Intervals of time, in microseconds since 1970."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final, Self

from antiphon.projections.filters.conditions import Parameters

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
#: Prefect's limit.
_MOST: Final = 500


@dataclass(frozen=True, slots=True)
class Intervals:
    """Consecutive intervals of the same length."""

    start: int
    length: int
    count: int

    @classmethod
    def between(cls, start: datetime, end: datetime, length: timedelta) -> Self:
        """The intervals that cover a period; the last may end after it. Raises OverflowError beyond the last year."""
        count = min(-((start - end) // length), _MOST) if end > start else 0
        # The response shows the end, so it must be a datetime.
        _ = start.astimezone(UTC) + count * length
        return cls(microseconds(start), length // _MICROSECOND, count)

    @property
    def span(self) -> tuple[int, int]:
        """The begin of the first interval and the end of the last."""
        return self.start, self.start + self.count * self.length

    def spans(self) -> list[tuple[int, int]]:
        """The begin and the end of each interval."""
        return list(pairwise(self.start + number * self.length for number in range(self.count + 1)))

    def borders(self) -> list[datetime]:
        """The begin of each interval, and the end of the last."""
        first, length = _EPOCH + self.start * _MICROSECOND, self.length * _MICROSECOND
        return [first + number * length for number in range(self.count + 1)]

    def borders_in_sql(self, parameters: Parameters) -> str:
        """The bounds as an SQL array."""
        border = moment(f"({parameters.bind(self.start)} + number * {parameters.bind(self.length)})")
        numbers = f"generate_series(0, {parameters.bind(self.count)}::bigint) AS number"
        return f"ARRAY(SELECT {border} FROM {numbers})"  # noqa: S608  our own text


def microseconds(moment_: datetime) -> int:
    """A moment in microseconds since 1970."""
    return (moment_ - _EPOCH) // _MICROSECOND


def moment(microseconds_: str) -> str:
    """A moment in SQL, from an expression for microseconds since 1970."""
    return f"'epoch'::timestamptz + {microseconds_} * interval '1 microsecond'"
