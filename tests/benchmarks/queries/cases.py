"""What is asked: the queries of dashboards, of lists, and of people who search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

_DAY: Final = timedelta(days=1)
#: The tag of one run in 5000.
_RARE: Final = "batch:0042"


@dataclass(frozen=True, slots=True)
class Case:
    """One request, and how many times faster than Prefect its answer is meant to be."""

    name: str
    path: str
    body: dict[str, Any]
    goal: float | None = None

    @property
    def url(self) -> str:
        """Below the address of the API."""
        return f"/flow_runs/{self.path}"


def _past(now: datetime, days: int) -> dict[str, str]:
    return {"after_": (now - days * _DAY).isoformat(), "before_": now.isoformat()}


def _history(now: datetime, days: int, interval: timedelta) -> dict[str, Any]:
    return {
        "history_start": (now - days * _DAY).isoformat(),
        "history_end": now.isoformat(),
        "history_interval_seconds": interval.total_seconds(),
    }


def cases(now: datetime) -> Sequence[Case]:
    """All of them, as somebody asks who looks at `now`."""
    minute = now.replace(second=0, microsecond=0)
    hour = minute.replace(minute=0)
    failed = {"type": {"any_": ["FAILED", "CRASHED"]}}
    backfill = {"all_": ["backfill"]}
    week = {"start_time": _past(now, 7)}
    return (
        Case("filter, 200 rows, default sort", "filter", {}, 5),
        Case("filter, 200 rows, start desc", "filter", {"sort": "START_TIME_DESC"}, 5),
        Case("filter, 7-day window, 50 rows", "filter", {"flow_runs": week, "sort": "START_TIME_DESC", "limit": 50}, 4),
        Case("filter, rare tag and state", "filter", {"flow_runs": {"tags": {"all_": [_RARE]}, "state": failed}}, 200),
        Case("filter, tag of one in 400 and state", "filter", {"flow_runs": {"tags": backfill, "state": failed}}),
        Case(
            "filter, tag of most and state", "filter", {"flow_runs": {"tags": {"all_": ["env:prod"]}, "state": failed}}
        ),
        Case("filter, name contains, 50 rows", "filter", {"flow_runs": {"name": {"like_": "fox"}}, "limit": 50}, 3),
        Case("count, all", "count", {}, 8),
        Case("count, by state", "count", {"flow_runs": {"state": failed}}, 3),
        Case("count, 7-day window", "count", {"flow_runs": week}, 6),
        Case("paginate, page 3", "paginate", {"page": 3}, 5),
        Case("history, 24 h by 5 min", "history", _history(minute, 1, timedelta(minutes=5)), 30),
        Case("history, 30 d by 6 h", "history", _history(hour, 30, timedelta(hours=6)), 150),
        Case("history, 30 d by 6 h, to the second", "history", _history(now, 30, timedelta(hours=6))),
        Case("lateness, all", "lateness", {}, 40),
        Case("lateness, 7 days", "lateness", {"flow_runs": {"expected_start_time": _past(now, 7)}}, 30),
    )
