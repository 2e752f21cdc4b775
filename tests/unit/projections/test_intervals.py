"""Every moment is counted in its interval, however intervals lie in minutes, hours and days."""

from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from antiphon.projections.sums.intervals import Intervals

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
MINUTE = 60_000_000
HOUR = 60 * MINUTE

STARTS = st.datetimes(datetime(1, 1, 2), datetime(9990, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
LENGTHS = st.one_of(
    st.integers(60, 7 * 86_400).map(lambda seconds: timedelta(seconds=seconds)),
    st.integers(1, 60 * 24 * 9).map(lambda minutes: timedelta(minutes=minutes)),
    st.integers(60_000_000, 2 * HOUR).map(lambda microseconds: timedelta(microseconds=microseconds)),
)


@given(STARTS, LENGTHS, st.integers(1, 40), st.floats(0, 1), st.sampled_from((None, "minute", "hour", "day")))
def test_what_is_counted_and_moved_is_where_it_belongs(
    start: datetime, length: timedelta, count: int, share: float, whole: str | None
) -> None:
    if whole is not None:
        start = start.replace(second=0, microsecond=0, **({} if whole == "minute" else {"minute": 0}))  # type: ignore[arg-type]
        start = start.replace(hour=0) if whole == "day" else start
    intervals = Intervals.between(start, start + count * length, length)
    assume(intervals.count == count)
    begin, step = (start - EPOCH) // MICROSECOND, length // MICROSECOND
    moment = begin - HOUR + int(share * (count * step + 2 * HOUR))
    minute, hour = moment - moment % MINUTE, moment - moment % HOUR
    counted = int(intervals.of_minutes(np.array([minute]))[0])
    in_day = int(intervals.of_hours(np.array([hour]))[0])
    if length >= timedelta(hours=1) and counted != in_day:
        # Its hour is counted by the minute.
        assert in_day == count
        assert hour in intervals.cut_hours()
    elif length >= timedelta(hours=1) and counted != count:
        assert hour not in intervals.cut_hours()
    for part in intervals.moved():
        assert part.end - part.start <= 30_000_000
        if part.start <= moment < part.end:
            assert counted == (part.counted_in if 0 <= part.counted_in < count else count)
            counted = part.belongs_to if 0 <= part.belongs_to < count else count
    belongs = (moment - begin) // step
    assert counted == (belongs if 0 <= belongs < count else count)


def test_a_history_may_end_where_years_do() -> None:
    end = datetime.max.replace(tzinfo=UTC)
    intervals = Intervals.between(end - timedelta(hours=3), end, timedelta(hours=1))
    assert intervals.count == 3
    assert [part.end - part.start for part in intervals.moved()] == [1] * 4
    assert len(intervals.cut_hours()) == 0
