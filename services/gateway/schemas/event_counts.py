"""Counts of events in time in Prefect's form: one for each bucket, including empty ones."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from antiphon.projections.event.queries import PIVOT

_MOST_BUCKETS: Final = 1000
_MICROSECOND: Final = timedelta(microseconds=1)
_LATEST: Final = datetime.max.replace(tzinfo=UTC)


class TimeUnit(StrEnum):
    """Prefect's TimeUnit."""

    WEEK = "week"
    DAY = "day"
    HOUR = "hour"
    MINUTE = "minute"
    SECOND = "second"

    @property
    def length(self) -> timedelta:
        """The length of one unit."""
        return timedelta(**{f"{self.value}s": 1})

    def end(self, moment: datetime) -> datetime:
        """The end of the unit around a moment; units are counted from PIVOT."""
        return moment - (moment - PIVOT) % self.length + self.length - _MICROSECOND


class Buckets:
    """Intervals of one length, aligned to PIVOT, from the one around `since` to `until`, or to `now` if earlier."""

    def __init__(self, since: datetime, until: datetime, unit: TimeUnit, interval: float, now: datetime) -> None:
        """Raise OverflowError for intervals beyond the years 1 to 9999."""
        self.length = unit.length * interval
        self._since, self._until = since.astimezone(UTC), until.astimezone(UTC)
        self._first = math.floor((self._since - PIVOT) / self.length)
        self._start = PIVOT + self.length * self._first
        self._end = unit.end(now) if self._until > now else self._until
        if max(self._start, self._end) > _LATEST - self.length:
            msg = "the last one has no end"
            raise OverflowError(msg)

    @property
    def complaint(self) -> str | None:
        """The reason to refuse them, or None."""
        number = math.ceil((self._until - self._since) / self.length)
        if number <= _MOST_BUCKETS:
            return None
        return (
            f"The given interval would create {number} buckets, which is too many. Please increase the interval or"
            f" reduce the time range to produce {_MOST_BUCKETS} buckets or fewer."
        )

    def shown(self, counted: Mapping[int, int]) -> Iterator[dict[str, Any]]:
        """Prefect's EventCounts from the counts by bucket."""
        number, start = 0, self._start
        while start < self._end:
            yield {
                "value": str(number),
                "label": start.isoformat(),
                "count": counted.get(self._first + number, 0),
                "start_time": start,
                "end_time": start + self.length - _MICROSECOND,
            }
            number, start = number + 1, start + self.length
