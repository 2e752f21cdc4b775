"""Intervals of time are cut into whole buckets and rows: every moment is in one of them, whatever the borders are."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from antiphon.projections.sums.buckets import EFFECTIVE, EXPECTED, ROWS, BucketClock, cut
from antiphon.projections.sums.intervals import HOUR, MINUTE, SECOND, Intervals

MOMENTS = st.one_of(
    st.integers(-200, 200).map(lambda hours: hours * HOUR),
    st.integers(-9_000, 9_000).map(lambda minutes: minutes * MINUTE),
    st.integers(-500 * HOUR, 500 * HOUR),
)
LENGTHS = st.one_of(
    st.integers(1, 50).map(lambda hours: hours * HOUR),
    st.integers(1, 500).map(lambda minutes: minutes * MINUTE),
    st.integers(1, 9 * HOUR),
)


@given(
    MOMENTS,
    LENGTHS,
    st.integers(0, 40),
    st.sampled_from((EXPECTED, EFFECTIVE)),
    st.one_of(st.none(), st.integers(-9_000, 9_000).map(lambda number: number * MINUTE)),
)
def test_intervals_are_cut_into_whole_buckets_and_rows(
    start: int, length: int, count: int, clock: BucketClock, present: int | None
) -> None:
    intervals = Intervals(start, length, count)
    borders = {border for span in intervals.spans() for border in span}
    spans = cut(clock, intervals, present)
    for series, size in clock.series:
        for first, last in spans.get(series, []):
            assert first % size == last % size == 0
            assert present is None or last <= present or first >= present + MINUTE
            # No border cuts a bucket.
            assert all(border % size == 0 for border in borders if first < border < last)
    in_order = sorted(span for of_series in spans.values() for span in of_series)
    assert all(first < last for first, last in in_order)
    assert [first for first, _ in in_order] == [intervals.start, *(last for _, last in in_order)][:-1] or not count
    assert not count or in_order[-1][1] == intervals.span[1]


def test_only_cut_minutes_and_the_present_one_are_read_as_rows() -> None:
    intervals = Intervals(7 * SECOND, 6 * HOUR, 4)
    spans = cut(EXPECTED, intervals, present=5 * HOUR)
    assert spans[ROWS] == [
        (7 * SECOND, MINUTE),
        (5 * HOUR, 5 * HOUR + MINUTE),
        *((hours * HOUR, hours * HOUR + MINUTE) for hours in (6, 12, 18)),
        (24 * HOUR, 24 * HOUR + 7 * SECOND),
    ]


def test_a_history_may_end_where_years_do() -> None:
    end = datetime.max.replace(tzinfo=UTC)
    intervals = Intervals.between(end - timedelta(hours=3), end, timedelta(hours=1))
    assert intervals.count == 3
    assert intervals.borders()[-1] == end
