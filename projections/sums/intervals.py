"""Intervals of time that a history is asked for, and which of them hours and minutes belong to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate, repeat
from operator import add
from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from antiphon.projections.core.moments import HOUR, MICROSECOND, MINUTE

#: Prefect shows no more, however long the time is that was asked about.
_MOST: Final = 500
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE: Final = MINUTE // MICROSECOND
_HOUR: Final = HOUR // MICROSECOND

#: Moments in microseconds since 1970, or indexes of intervals.
Integers = NDArray[np.int64]


class Moved(NamedTuple):
    """The smaller part of a minute that is cut: it belongs to another interval than the minute is counted in."""

    #: In microseconds since 1970: the end may lie behind the last year that Python knows.
    start: int
    end: int
    #: The intervals; one of them may not be there.
    counted_in: int
    belongs_to: int


@dataclass(frozen=True, slots=True)
class Intervals:
    """Intervals of one length, one after the other; the last may end later than what was asked about."""

    start: datetime
    #: Where the last one ends.
    end: datetime
    length: timedelta
    count: int

    @classmethod
    def between(cls, start: datetime, end: datetime, length: timedelta) -> Self:
        """Those that cover a time; raises OverflowError where they leave the years that can be written."""
        count = min(-((start - end) // length), _MOST) if end > start else 0
        start = start.astimezone(UTC)
        return cls(start, start + count * length, length, count)

    def borders(self) -> list[datetime]:
        """Where they begin, and where the last one ends."""
        return list(accumulate(repeat(self.length, self.count), add, initial=self.start))

    def are_made_of_minutes(self) -> bool:
        """Whether sums of minutes save more than they cost: most minutes lie in one interval as a whole."""
        if self.length < MINUTE:
            return False
        cut = sum(1 for border in self._microseconds() if border % _MINUTE)
        return 2 * cut < (self.end - self.start) // MINUTE

    def moved(self) -> list[Moved]:
        """What has to be moved where an interval ends within a minute; no minute is cut twice."""
        found = []
        for index, border in enumerate(self._microseconds()):
            if passed := border % _MINUTE:
                minute = border - passed
                if 2 * passed <= _MINUTE:
                    found.append(Moved(minute, border, counted_in=index, belongs_to=index - 1))
                else:
                    found.append(Moved(border, minute + _MINUTE, counted_in=index - 1, belongs_to=index))
        return found

    def cut_hours(self) -> list[int]:
        """The hours whose minutes are not all counted in the same interval."""
        hours = sorted({border - border % _HOUR for border in self._microseconds()})
        starts = np.array(hours, dtype=np.int64)
        first, last = self._of_ends(starts)
        return [int(hour) for hour in starts[first != last]]

    def of_minutes(self, minutes: Integers) -> Integers:
        """Where each minute is counted: where its middle lies; `count` is for none of them."""
        return self.of(minutes + _MINUTE // 2)

    def of_hours(self, hours: Integers) -> Integers:
        """Where each hour is counted; none counts in its place those that are cut."""
        first, last = self._of_ends(hours)
        return np.where(first == last, first, self.count)

    def _of_ends(self, hours: Integers) -> tuple[Integers, Integers]:
        first, last = (self.of_minutes(hours + minute * _MINUTE) for minute in (0, 59))
        return first, last

    def of(self, moments: Integers) -> Integers:
        """In which of them each moment lies; `count` is for none of them."""
        found = (moments - (self.start - _EPOCH) // MICROSECOND) // (self.length // MICROSECOND)
        return np.where((found < 0) | (found > self.count), self.count, found)

    def _microseconds(self) -> range:
        """The borders since 1970."""
        start, length = (self.start - _EPOCH) // MICROSECOND, self.length // MICROSECOND
        return range(start, start + self.count * length + 1, length)
