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
#: Prefect shows no more, however long the time is.
_MOST: Final = 500


@dataclass(frozen=True, slots=True)
class Intervals:
    """Intervals of one length, one after the other."""

    start: int
    length: int
    count: int

    @classmethod
    def between(cls, start: datetime, end: datetime, length: timedelta) -> Self:
        """Those that cover a time, of which the last may end later; raises OverflowError if that is in no year."""
        count = min(-((start - end) // length), _MOST) if end > start else 0
        # The end has to be a datetime too: it is shown.
        _ = start.astimezone(UTC) + count * length
        return cls(microseconds(start), length // _MICROSECOND, count)

    @property
    def span(self) -> tuple[int, int]:
        """The beginning of the first and the end of the last one."""
        return self.start, self.start + self.count * self.length

    def spans(self) -> list[tuple[int, int]]:
        """The beginning and the end of each."""
        return list(pairwise(self.start + number * self.length for number in range(self.count + 1)))

    def borders(self) -> list[datetime]:
        """The beginning of each, and the end of the last one."""
        first, length = _EPOCH + self.start * _MICROSECOND, self.length * _MICROSECOND
        return [first + number * length for number in range(self.count + 1)]

    def borders_in_sql(self, parameters: Parameters) -> str:
        """The same as an array of the database."""
        border = moment(f"({parameters.bind(self.start)} + number * {parameters.bind(self.length)})")
        numbers = f"generate_series(0, {parameters.bind(self.count)}::bigint) AS number"
        return f"ARRAY(SELECT {border} FROM {numbers})"  # noqa: S608  our own text


def microseconds(moment_: datetime) -> int:
    """A moment in microseconds since 1970."""
    return (moment_ - _EPOCH) // _MICROSECOND


def moment(microseconds_: str) -> str:
    """A moment in SQL, from an expression for microseconds since 1970."""
    return f"'epoch'::timestamptz + {microseconds_} * interval '1 microsecond'"
