"""Clocks."""

from datetime import UTC, datetime, timedelta

from antiphon.services.runtime.clock import Clock, ManualClock, now


def test_the_clock_tells_utc() -> None:
    assert now().utcoffset() == timedelta(0)


def test_a_manual_clock_stands_still_until_it_is_moved() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    manual = ManualClock(start)
    clock: Clock = manual
    assert clock() == clock() == start
    manual.advance(timedelta(minutes=5))
    assert clock() == start + timedelta(minutes=5)
