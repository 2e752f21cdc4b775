"""How many runs were expected in each interval of time, how long they took and how late they were, by their state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

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
        """The minutes or hours that do not lie in one interval as a whole."""
        borders = (self.start + index * self.length for index in range(self.count + 1))
        periods = {border: floor(border, length) for border in borders}
        return sorted({period for border, period in periods.items() if period != border})

    def are_mostly_whole(self, length: timedelta) -> bool:
        """Whether most of the minutes or hours lie in one interval as a whole: then sums save more than they cost."""
        return 2 * len(self.cut(length)) < (self.end - self.start) // length

    def shown(self, found: list[Row]) -> list[Row]:
        """All of them with their states, those without a run too."""
        starts = [self.start + index * self.length for index in range(self.count)]
        shown: list[Row] = [
            {"interval_start": start, "interval_end": start + self.length, "states": []} for start in starts
        ]
        for row in found:
            shown[(row.pop("bucket") - self.start) // self.length]["states"].append(row)
        return shown


async def history(connection: AsyncConnection[Any], table: str, criteria: Criteria, intervals: Intervals) -> bytes:
    """Prefect's history of flow runs or task runs: they are counted where they were expected to start."""
    if intervals.count == 0:
        return b"[]"
    parameters = Parameters()
    condition = criteria.on(table, parameters)
    is_rolled_up = PERIODS[table].answers(condition) and intervals.are_mostly_whole(MINUTE)
    runs = (_rolled_up if is_rolled_up else _scanned)(table, condition, intervals, parameters)
    query = (
        "SELECT bucket, state_type, state_name, sum(runs)::bigint AS count_runs,"  # noqa: S608  our own text
        " sum(run_time)::double precision AS sum_estimated_run_time,"
        " sum(lateness)::double precision AS sum_estimated_lateness"
        f" FROM ({runs}) AS run WHERE state_type IS NOT NULL"
        " GROUP BY 1, 2, 3 HAVING sum(runs) > 0 ORDER BY 1, 2, 3"
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
    cut = parameters.bind(intervals.cut(MINUTE))
    live = (
        f"{_within('expected_start_time', intervals, parameters)}"
        f" AND date_trunc('minute', expected_start_time, 'UTC') <> ALL ({cut}::timestamptz[]) AND {condition}"
    )
    running = (
        f"SELECT {bucket}, 0, {durations.RUNNING_SINCE_ALL}, 0 FROM {table}"  # noqa: S608  our own text
        f" WHERE state_type = 'RUNNING' AND {live} GROUP BY 1, 2, 3"
    )
    late = (
        f"SELECT {bucket}, 0, 0, {durations.LATE_BY_ALL} FROM {table}"  # noqa: S608  our own text
        f" WHERE {durations.IS_LATE} AND {live} GROUP BY 1, 2, 3"
    )
    others = (
        f"SELECT run.* FROM unnest({cut}::timestamptz[]) AS cut CROSS JOIN LATERAL"  # noqa: S608  our own text
        f" ({_scanned(table, condition, intervals, parameters)}"
        " AND expected_start_time >= cut AND expected_start_time < cut + interval '1 minute') AS run"
    )
    return " UNION ALL ".join((*_sums(table, condition, intervals, parameters), running, late, others))


def _sums(table: str, condition: str, intervals: Intervals, parameters: Parameters) -> list[str]:
    """The sums of the minutes that are whole; hours that are whole stand for theirs where they are most."""
    columns = (
        f"SELECT {_bucket('start', intervals, parameters)}, runs, run_time, lateness"  # noqa: S608  our own text
        f" FROM {PERIODS[table].source}"
    )
    within = f"{_within('start', intervals, parameters)} AND {condition}"

    def whole(series: Series, length: timedelta) -> str:
        cut = parameters.bind(intervals.cut(length))
        return f"{columns} WHERE series = {series} AND start <> ALL ({cut}::timestamptz[]) AND {within}"

    minutes = whole(Series.EXPECTED_MINUTE, MINUTE)
    if not intervals.are_mostly_whole(HOUR):
        return [minutes]
    of_cut_hours = (
        f"SELECT run.* FROM unnest({parameters.bind(intervals.cut(HOUR))}::timestamptz[]) AS cut CROSS JOIN LATERAL"  # noqa: S608
        f" ({minutes} AND start >= cut AND start < cut + interval '1 hour') AS run"
    )
    return [whole(Series.EXPECTED_HOUR, HOUR), of_cut_hours]


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
