"""How many runs were expected in each interval of time, how long they took and how late they were, by their state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson
from psycopg import AsyncConnection

from projections import durations
from projections.filters.conditions import Parameters
from projections.filters.criteria import Criteria
from projections.moments import HOUR, MINUTE, floor
from projections.reading import Row, encoded, rows
from projections.rollups import COUNTS, PERIODS, Series
from projections.windows import Window

#: Prefect shows no more, however long the time is that was asked about.
_MOST: Final = 500
#: The periods that there are sums of, the longest first.
_PERIODS: Final = {Series.EXPECTED_HOUR: HOUR, Series.EXPECTED_MINUTE: MINUTE}


@dataclass(frozen=True, slots=True)
class Intervals:
    """Intervals of one length, one after the other; the last may end later than what was asked about."""

    start: datetime
    #: Where the last one ends.
    end: datetime
    length: timedelta
    count: int

    @classmethod
    def between(cls, start: datetime, end: datetime, length: timedelta) -> Intervals:
        """Those that cover a time; raises OverflowError where they leave the years that can be written."""
        count = min(-((start - end) // length), _MOST) if end > start else 0
        start = start.astimezone(UTC)
        return cls(start, start + count * length, length, count)

    def cut(self, length: timedelta) -> list[datetime]:
        """The periods of a length that do not lie in one interval as a whole."""
        first = floor(self.start, length)
        passed = self.start - first
        if not passed and not self.length % length:
            return []
        borders = (passed + index * self.length for index in range(self.count + 1))
        return sorted({first + (border - rest) for border in borders if (rest := border % length)})

    def are_mostly_whole(self, length: timedelta) -> bool:
        """Whether most periods of a length lie in one interval as a whole: then sums save more than they cost."""
        return length <= self.length and 2 * len(self.cut(length)) < (self.end - self.start) // length

    def are_periods(self, length: timedelta) -> bool:
        """Whether each of them is one period of a length."""
        return self.length == length and self.start == floor(self.start, length)

    def shown(self, found: list[Row]) -> list[Row]:
        """All of them with their states, those without a run too."""
        starts = [self.start + index * self.length for index in range(self.count)]
        shown: list[Row] = [
            {"interval_start": start, "interval_end": start + self.length, "states": []} for start in starts
        ]
        for row in found:
            for index, (runs, run_time, lateness) in _sums_of(row).items():
                # What grows with the clock is asked for apart; it adds nothing where no run is counted.
                if runs:
                    shown[index]["states"].append(
                        {
                            "state_type": row["state_type"],
                            "state_name": row["state_name"],
                            "count_runs": runs,
                            "sum_estimated_run_time": run_time,
                            "sum_estimated_lateness": lateness,
                        }
                    )
        return shown


def _sums_of(row: Row) -> dict[int, tuple[int, float, float]]:
    """The sums of one state, by the index of the interval."""
    sums: dict[int, tuple[int, float, float]] = {}
    columns = (orjson.loads(row[name]) for name in ("index", "runs", "run_time", "lateness"))
    for index, runs, run_time, lateness in zip(*columns, strict=True):
        if index in sums:
            before = sums[index]
            sums[index] = before[0] + runs, before[1] + run_time, before[2] + lateness
        else:
            sums[index] = runs, float(run_time), float(lateness)
    return sums


async def history(connection: AsyncConnection[Any], table: str, criteria: Criteria, intervals: Intervals) -> bytes:
    """Prefect's history of flow runs or task runs: they are counted where they were expected to start."""
    if intervals.count == 0:
        return b"[]"
    parameters = Parameters()
    condition = criteria.on(table, parameters)
    is_rolled_up = PERIODS[table].answers(condition) and intervals.are_mostly_whole(MINUTE)
    runs = (_rolled_up if is_rolled_up else _scanned)(table, condition, intervals, parameters)
    if not (is_rolled_up and any(intervals.are_periods(length) for length in _PERIODS.values())):
        # Otherwise there is hardly anything to add up, and `shown` does it in less time.
        runs = (
            "SELECT bucket, state_type, state_name, sum(runs) AS runs, sum(run_time) AS run_time,"  # noqa: S608
            f" sum(lateness) AS lateness FROM ({runs}) AS run GROUP BY 1, 2, 3"
        )
    start, seconds = parameters.bind(intervals.start), parameters.bind(intervals.length.total_seconds())
    # One row for each state: a thousand small ones take longer to send and to read than to find.
    query = (
        "SELECT state_type, state_name,"  # noqa: S608  our own text
        f" json_agg(round(date_part('epoch', bucket - {start}) / {seconds}::float8)::integer)::text AS index,"
        " json_agg(runs)::text AS runs, json_agg(run_time)::text AS run_time, json_agg(lateness)::text AS lateness"
        f" FROM ({runs}) AS run WHERE state_type IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2"
    )
    return encoded(intervals.shown(await rows(connection, query, parameters.values)))


def _bucket(column: str, intervals: Intervals, parameters: Parameters) -> str:
    start, length = parameters.bind(intervals.start), parameters.bind(intervals.length)
    return f"date_bin({length}, {column}, {start}) AS bucket, state_type, state_name"


def _within(column: str, intervals: Intervals, parameters: Parameters) -> str:
    return f"{column} >= {parameters.bind(intervals.start)} AND {column} < {parameters.bind(intervals.end)}"


def _scanned(table: str, condition: str, intervals: Intervals, parameters: Parameters) -> str:
    """Every run, with its interval."""
    return (
        f"SELECT {_bucket('expected_start_time', intervals, parameters)}, 1 AS runs,"  # noqa: S608  our own text
        f" {durations.RUN_TIME} AS run_time, {durations.LATENESS} AS lateness FROM {table}"
        f" WHERE {_within('expected_start_time', intervals, parameters)} AND {condition}"
    )


def _rolled_up(table: str, condition: str, intervals: Intervals, parameters: Parameters) -> str:
    """The sums of whole periods, what has been added to them by the clock, and the runs of the minutes that are cut."""
    bucket = _bucket("expected_start_time", intervals, parameters)
    cut = intervals.cut(MINUTE)
    live = f"{_within('expected_start_time', intervals, parameters)} AND {condition}"
    if cut:
        minutes = parameters.bind(cut)
        live += f" AND date_trunc('minute', expected_start_time, 'UTC') <> ALL ({minutes}::timestamptz[])"
    running = (
        f"SELECT {bucket}, 0, {durations.RUNNING_SINCE_ALL}, 0 FROM {table}"  # noqa: S608  our own text
        f" WHERE state_type = 'RUNNING' AND {live} GROUP BY 1, 2, 3"
    )
    late = (
        f"SELECT {bucket}, 0, 0, {durations.LATE_BY_ALL} FROM {table}"  # noqa: S608  our own text
        f" WHERE {durations.IS_LATE} AND {live} GROUP BY 1, 2, 3"
    )
    parts = [*_sums(table, condition, intervals, parameters), running, late]
    if cut:
        scanned = _scanned(table, condition, intervals, parameters)
        parts.append(_in_periods(scanned, "expected_start_time", cut, MINUTE, parameters))
    return " UNION ALL ".join(parts)


def _sums(table: str, condition: str, intervals: Intervals, parameters: Parameters) -> list[str]:
    """The sums of the longest periods, most of which are whole, and in those that are cut of shorter ones."""
    columns = (
        f"SELECT {_bucket('start', intervals, parameters)}, runs, run_time, lateness"  # noqa: S608  our own text
        f" FROM {PERIODS[table].source}"
    )
    within = f"{_within('start', intervals, parameters)} AND {condition}"
    parts: list[str] = []
    longer: timedelta | None = None
    for series, length in _PERIODS.items():
        if not intervals.are_mostly_whole(length):
            continue
        part = f"{columns} WHERE series = {series} AND {within}"
        cut = intervals.cut(length)
        if cut:
            part += f" AND start <> ALL ({parameters.bind(cut)}::timestamptz[])"
        if longer is not None:
            part = _in_periods(part, "start", intervals.cut(longer), longer, parameters)
        parts.append(part)
        longer = length
        if not cut:
            break
    return parts


def _in_periods(query: str, column: str, starts: list[datetime], length: timedelta, parameters: Parameters) -> str:
    """A query, for some periods only: each of them is found by the index."""
    found = f"{query} AND {column} >= cut AND {column} < cut + {parameters.bind(length)}"
    return (
        f"SELECT run.* FROM unnest({parameters.bind(starts)}::timestamptz[]) AS cut"  # noqa: S608  our own text
        f" CROSS JOIN LATERAL ({found}) AS run"
    )


async def average_lateness(connection: AsyncConnection[Any], criteria: Criteria) -> bytes:
    """How late the flow runs are that meet the criteria, in seconds; null if there are none."""
    parameters = Parameters()
    window = Window.asked_for(criteria)
    if window is not None:
        lateness, source, condition = "sum(lateness) / nullif(sum(runs), 0)", window.lateness(parameters), "TRUE"
    else:
        condition = criteria.on("flow_run", parameters)
        lateness, source = _lateness_of_all(condition)
    query = f"SELECT ({lateness})::double precision AS lateness FROM {source} WHERE {condition}"  # noqa: S608
    return encoded((await rows(connection, query, parameters.values))[0]["lateness"])


def _lateness_of_all(condition: str) -> tuple[str, str]:
    counts = COUNTS["flow_run"]
    if not counts.answers(condition):
        return f"avg({durations.ESTIMATED_START_TIME_DELTA})", "flow_run"
    late = f"SELECT coalesce({durations.LATE_BY_ALL}, 0) FROM flow_run WHERE {durations.IS_LATE} AND {condition}"  # noqa: S608
    return f"(sum(lateness) + ({late})) / nullif(sum(runs), 0)", counts.source
