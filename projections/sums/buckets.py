"""Sums over the runs that start within intervals of time: from whole hours, whole minutes, and the rows of the rest.

Rows are read where a border cuts a minute, in the present minute, where only some runs are late, and for irregular
runs, which are in no bucket (schema/derived/run_sums.sql).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from psycopg import AsyncConnection

from antiphon.projections.core import durations
from antiphon.projections.core.reading import records
from antiphon.projections.filters.conditions import Parameters
from antiphon.projections.filters.criteria import Criteria
from antiphon.projections.sums.intervals import HOUR, MINUTE, SECOND, Intervals, moment
from antiphon.projections.sums.rollups import BUCKETS

#: Replaces the name of a series for spans that are read from the rows.
ROWS: Final = "rows"

#: The increase of the run times or latenesses of a bucket up to now.
_GROWTH: Final = "open_runs * microseconds(statement_timestamp() - start) - open_since"

#: The begin and the end of a span, in microseconds since 1970.
Span = tuple[int, int]


class BucketClock(NamedTuple):
    """The kind of start time that assigns runs to buckets, and the series of these buckets."""

    #: The SQL of the time; `{0}` is the table.
    start: str
    #: The series of buckets and their lengths, the longest first.
    series: Sequence[tuple[str, int]]


EXPECTED: Final = BucketClock("{0}.expected_start_time", (("expected_hour", HOUR), ("expected_minute", MINUTE)))
EFFECTIVE: Final = BucketClock(
    "coalesce({0}.start_time, {0}.expected_start_time)", (("effective_hour", HOUR), ("effective_minute", MINUTE))
)


async def present_minute(connection: AsyncConnection[Any]) -> int:
    """The beginning of the present minute by the clock of the database."""
    ((now,),) = await records(connection, "SELECT extract(epoch FROM statement_timestamp())::bigint", {}, prepare=True)
    return int(now) * SECOND // MINUTE * MINUTE


def summed(
    clock: BucketClock,
    table: str,
    intervals: Intervals,
    criteria: Criteria,
    parameters: Parameters,
    present: int | None = None,
) -> str:
    """A source of rows `number, state_type, state_name, runs, run_time, lateness` that add up to the intervals' sums.

    Without the present minute only the numbers of runs are right.
    """
    spans = cut(clock, intervals, present)
    condition, start = criteria.on(table, parameters), clock.start.format(table)
    found = []
    for series, length in clock.series:
        of_series = f"series = '{table}_{series}' AND {condition}"
        found.append((spans[series], BUCKETS[table].source, "start", _bucket(length), of_series))
    row = f"1::bigint, {durations.RUN_TIME}, {durations.LATENESS}"
    found.append((spans[ROWS], table, start, row, f"NOT {durations.IS_IRREGULAR} AND {condition}"))
    found.append(([intervals.span], table, start, row, f"{durations.IS_IRREGULAR} AND {condition}"))
    borders = intervals.borders_in_sql(parameters)
    parts = " UNION ALL ".join(_select(borders, *part, parameters) for part in found if part[0])
    return f"({parts}) AS part (number, state_type, state_name, runs, run_time, lateness)"


def _bucket(length: int) -> str:
    is_over = f"start + {length} * interval '1 microsecond' <= statement_timestamp()"
    return (
        f"runs, run_time + CASE WHEN open_runs > 0 AND state_type = 'RUNNING' THEN {_GROWTH} ELSE 0 END,"
        f" lateness + CASE WHEN open_runs > 0 AND state_type <> 'RUNNING' AND {is_over} THEN {_GROWTH} ELSE 0 END"
    )


def _select(
    borders: str,
    spans: Sequence[Span],
    source: str,
    start: str,
    columns: str,
    condition: str,
    parameters: Parameters,
) -> str:
    firsts, lasts = (parameters.bind(list(column)) for column in zip(*spans, strict=True))
    return (
        f"SELECT width_bucket({start}, {borders}) - 1, state_type, state_name, {columns}"  # noqa: S608  our own text
        f" FROM unnest({firsts}::bigint[], {lasts}::bigint[]) AS span (first, last)"
        f" JOIN {source} ON {start} >= {moment('first')} AND {start} < {moment('last')} WHERE {condition}"
    )


def cut(clock: BucketClock, intervals: Intervals, present: int | None) -> Mapping[str, list[Span]]:
    """The spans of intervals that consist of the buckets of a series, and those that consist of rows."""
    found: defaultdict[str, list[Span]] = defaultdict(list)
    for first, last in intervals.spans():
        begin, end = (last, last) if present is None else (max(first, present), min(last, present + MINUTE))
        if begin < end:
            pieces = [*_whole(first, begin, clock.series), (ROWS, (begin, end)), *_whole(end, last, clock.series)]
        else:
            pieces = [*_whole(first, last, clock.series)]
        for series, span in pieces:
            of_series = found[series]
            is_next = bool(of_series) and of_series[-1][1] == span[0]
            of_series.append((of_series.pop()[0], span[1]) if is_next else span)
    return found


def _whole(first: int, last: int, series: Sequence[tuple[str, int]]) -> Iterator[tuple[str, Span]]:
    """The pieces of a span without the present."""
    if not series or first >= last:
        yield from [(ROWS, (first, last))] if first < last else []
        return
    (name, length), *smaller = series
    begin, end = -(-first // length) * length, last // length * length
    if begin < end:
        yield from _whole(first, begin, smaller)
        yield name, (begin, end)
        yield from _whole(end, last, smaller)
    else:
        yield from _whole(first, last, smaller)
