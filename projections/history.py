"""How many runs were expected in each interval of time, how long they took and how late they were, by their state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from psycopg import AsyncConnection

from projections import durations
from projections.filters.conditions import Parameters
from projections.filters.criteria import Criteria
from projections.reading import Row, encoded, rows

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

    @property
    def seconds(self) -> Decimal:
        """The length of one."""
        return Decimal(self.length // timedelta(microseconds=1)) / 1_000_000

    def shown(self, found: list[Row]) -> list[Row]:
        """All of them with their states, those without a run too."""
        starts = [self.start + index * self.length for index in range(self.count)]
        shown: list[Row] = [
            {"interval_start": start, "interval_end": start + self.length, "states": []} for start in starts
        ]
        for row in found:
            shown[row.pop("bucket")]["states"].append(row)
        return shown


async def history(connection: AsyncConnection[Any], table: str, criteria: Criteria, intervals: Intervals) -> bytes:
    """Prefect's history of flow runs or task runs: they are counted where they were expected to start."""
    if intervals.count == 0:
        return b"[]"
    parameters = Parameters()
    condition = criteria.on(table, parameters)
    start, end = parameters.bind(intervals.start), parameters.bind(intervals.end)
    since = f"extract(epoch FROM expected_start_time - {start})"
    runs = (
        f"SELECT floor({since} / {parameters.bind(intervals.seconds)})::integer"  # noqa: S608  our own text
        f" AS bucket, state_type, state_name, 1 AS runs,"
        f" greatest(0, ({durations.ESTIMATED_RUN_TIME})::numeric) AS run_time,"
        f" greatest(0, {durations.ESTIMATED_START_TIME_DELTA}) AS lateness FROM {table}"
        f" WHERE expected_start_time >= {start} AND expected_start_time < {end}"
        f" AND state_type IS NOT NULL AND {condition}"
    )
    query = (
        "SELECT bucket, state_type, state_name, sum(runs)::bigint AS count_runs,"  # noqa: S608  our own text
        " sum(run_time)::double precision AS sum_estimated_run_time,"
        " sum(lateness)::double precision AS sum_estimated_lateness"
        f" FROM ({runs}) AS run GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    )
    return encoded(intervals.shown(await rows(connection, query, parameters.values)))


async def average_lateness(connection: AsyncConnection[Any], criteria: Criteria) -> bytes:
    """How late the flow runs are that meet the criteria, in seconds; null if there are none."""
    parameters = Parameters()
    query = (
        f"SELECT avg({durations.ESTIMATED_START_TIME_DELTA})::double precision AS lateness FROM flow_run"  # noqa: S608
        f" WHERE {criteria.on('flow_run', parameters)}"
    )
    return encoded((await rows(connection, query, parameters.values))[0]["lateness"])
