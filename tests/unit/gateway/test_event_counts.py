"""The buckets in which events are counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from antiphon.services.gateway.schemas.event_counts import Buckets, TimeUnit

_NOW = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
_DAY = timedelta(days=1)


def test_there_is_one_also_where_nothing_happened() -> None:
    buckets = Buckets(_NOW - _DAY, _NOW, TimeUnit.DAY, 1, _NOW)
    assert [bucket["count"] for bucket in buckets.shown({})] == [0, 0]


@pytest.mark.parametrize("interval", [1e300, 1e9, 1e6])
def test_none_goes_beyond_the_years_that_there_are(interval: float) -> None:
    with pytest.raises(OverflowError):
        Buckets(_NOW - _DAY, _NOW, TimeUnit.WEEK, interval, _NOW)


def test_what_is_asked_for_until_the_end_of_time_ends_now() -> None:
    buckets = Buckets(_NOW, datetime.max.replace(tzinfo=UTC), TimeUnit.WEEK, 1000, _NOW)
    assert buckets.complaint is None
    assert len(list(buckets.shown({}))) == 1
