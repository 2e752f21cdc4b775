"""Places in the log as people write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from antiphon.events.log_position import LAST, parse


def test_a_number_is_a_position() -> None:
    assert parse("17") == 17
    assert parse(str(LAST)) == LAST


def test_a_time_without_a_zone_is_in_utc() -> None:
    assert parse("2026-11-21T08:00:00") == datetime(2026, 11, 21, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "0", "-10", "1.5", "1e3", "inf", str(LAST + 1), "9" * 5000, "soon", "0001-01-01T00:00:00+14:00"]
)
def test_anything_else_is_no_place(text: str) -> None:
    with pytest.raises(ValueError, match="position"):
        parse(text)


def test_the_last_moment_there_is_has_a_next_one() -> None:
    last = parse("9999-12-31T23:59:59.999999")
    assert isinstance(last, datetime)
    assert last + timedelta(microseconds=1) == datetime.max.replace(tzinfo=UTC)
