"""Prefect's history: runs in intervals of their expected start, with their run times and lateness, by their state."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

from psycopg import AsyncConnection

from antiphon.projections.core import durations
from antiphon.projections.core.reading import encoded, records
from antiphon.projections.filters.conditions import Parameters
from antiphon.projections.filters.criteria import Criteria
from antiphon.projections.sums import buckets, rollups
from antiphon.projections.sums.buckets import EXPECTED
from antiphon.projections.sums.intervals import MINUTE, SECOND, Intervals, moment
from antiphon.projections.sums.rollups import BUCKETS

#: A time of a new run may be negative, as the clocks of servers differ.
_SUMS: Final = f"sum(runs)::bigint, greatest(0, sum(run_time)) / {SECOND}, greatest(0, sum(lateness)) / {SECOND}"


async def history(connection: AsyncConnection[Any], table: str, criteria: Criteria, intervals: Intervals) -> bytes:
    """The history of flow runs or task runs as JSON."""
    if intervals.count == 0:
        return b"[]"
    parameters = rollups.parameters_on(connection)
    is_summed = rollups.are_kept(connection) and BUCKETS[table].answers(criteria) and intervals.length >= MINUTE
    if is_summed:
        present = await buckets.present_minute(connection)
        source = buckets.summed(EXPECTED, table, intervals, criteria, parameters, present)
    else:
        source = _rows(table, criteria, intervals, parameters)
    query = (
        f"SELECT number, state_type, state_name, {_SUMS} FROM {source}"  # noqa: S608  our own text
        " WHERE state_type IS NOT NULL GROUP BY 1, 2, 3"
    )
    states: list[list[dict[str, Any]]] = [[] for _ in range(intervals.count)]
    for number, state_type, state_name, runs, run_time, lateness in sorted(
        await records(connection, query, parameters.values, prepare=is_summed)
    ):
        states[number].append(
            {
                "state_type": state_type,
                "state_name": state_name,
                "count_runs": runs,
                "sum_estimated_run_time": run_time,
                "sum_estimated_lateness": lateness,
            }
        )
    return encoded(
        [
            {"interval_start": start, "interval_end": end, "states": of_interval}
            for (start, end), of_interval in zip(pairwise(intervals.borders()), states, strict=True)
        ]
    )


def _rows(table: str, criteria: Criteria, intervals: Intervals, parameters: Parameters) -> str:
    """A source with the same columns that reads only the rows."""
    borders, condition = intervals.borders_in_sql(parameters), criteria.on(table, parameters)
    first, last = (moment(parameters.bind(end)) for end in intervals.span)
    return (
        f"(SELECT width_bucket(expected_start_time, {borders}) - 1 AS number, state_type, state_name, 1 AS runs,"  # noqa: S608
        f" {durations.RUN_TIME} AS run_time, {durations.LATENESS} AS lateness FROM {table}"
        f" WHERE expected_start_time >= {first} AND expected_start_time < {last} AND {condition}) AS run"
    )
