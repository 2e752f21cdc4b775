"""How many runs were expected in each interval of time, how long they took and how late they were, by their state."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from enum import IntEnum
from typing import Any, Final

import numpy as np
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from antiphon.projections.core import durations
from antiphon.projections.core.moments import HOUR, MICROSECOND, MINUTE, floor
from antiphon.projections.core.reading import encoded, records, rows
from antiphon.projections.filters.conditions import Parameters
from antiphon.projections.filters.criteria import Criteria
from antiphon.projections.sums import rollups
from antiphon.projections.sums.intervals import Integers, Intervals, Moved
from antiphon.projections.sums.rollups import COUNTS, PERIODS, SECOND, Series
from antiphon.projections.sums.sums import Periods, Sums
from antiphon.projections.sums.windows import Window, late_by

#: What PostgreSQL sends of a moment are the microseconds since 2000.
_YEAR_2000: Final = 946_684_800 * SECOND
#: From microseconds since 1970.
_MOMENT: Final = "'epoch'::timestamptz + {} * interval '1 microsecond'"


class _Part(IntEnum):
    """What a row of the query is about, and what its number is."""

    #: Runs of an interval: its index.
    INTERVAL = 0
    #: The parts of an hour or a day, of runs and of what the clock adds to them: when it begins, in microseconds.
    HOUR = Series.EXPECTED_HOUR
    DAY = Series.EXPECTED_DAY
    GROWING_HOUR = Series.GROWING_HOUR
    GROWING_DAY = Series.GROWING_DAY
    #: What time it is, in microseconds.
    NOW = 6
    #: Runs that belong to another interval than they are counted in: the index of what is moved.
    MOVED = 7
    #: What the clock has added to runs that are not among those above.
    UNSTEADY = 8
    LATE = 9


async def history(connection: AsyncConnection[Any], table: str, criteria: Criteria, intervals: Intervals) -> bytes:
    """Prefect's history of flow runs or task runs: they are counted where they were expected to start."""
    if intervals.count == 0:
        return b"[]"
    parameters = rollups.parameters_on(connection)
    condition = f"{table}.state_type IS NOT NULL AND {criteria.on(table, parameters)}"
    moved: list[Moved] = []
    is_summed = PERIODS[table].answers(condition) and intervals.are_made_of_minutes() and rollups.are_kept(connection)
    if is_summed:
        moved = intervals.moved()
        parts = _rolled_up(table, condition, intervals, parameters, moved)
    else:
        parts = [_scanned(table, condition, intervals, parameters)]
    found = await records(connection, " UNION ALL ".join(parts), parameters.values, keeps_plan=is_summed)
    return _added_up(found, intervals, moved).encoded()


def _added_up(found: Sequence[TupleRow], intervals: Intervals, moved: Sequence[Moved]) -> Sums:
    sums = Sums(intervals)
    rows: defaultdict[int, list[TupleRow]] = defaultdict(list)
    for row in found:
        rows[row[0]].append(row)
    for _, number, state_type, state_name, *numbers, _, _ in rows[_Part.INTERVAL]:
        sums.add((state_type, state_name), number, *numbers)
    for _, number, state_type, state_name, runs, run_time, lateness, _, _ in rows[_Part.MOVED]:
        _, _, counted_in, belongs_to = moved[number]
        sums.add((state_type, state_name), belongs_to, runs, run_time, lateness)
        sums.add((state_type, state_name), counted_in, -runs, -run_time, -lateness)
    for _, _, state_type, state_name, _, _, _, packed, seconds in rows[_Part.UNSTEADY]:
        run_times, latenesses = np.frombuffer(seconds, dtype=">f8").reshape(-1, 2).T * SECOND
        sums.add_each((state_type, state_name), _moments(packed), run_time=run_times, lateness=latenesses)
    now = sum(row[1] for row in rows[_Part.NOW])
    for _, _, state_type, state_name, _, _, _, packed, _ in rows[_Part.LATE]:
        starts = _moments(packed)
        sums.add_each((state_type, state_name), starts, lateness=(now - starts).astype(np.float64))
    known_until = now - now % (_unit(intervals) // MICROSECOND)
    for length, kind, growing in (MINUTE, _Part.HOUR, _Part.GROWING_HOUR), (HOUR, _Part.DAY, _Part.GROWING_DAY):
        if rows[kind]:
            periods = _periods_of(rows[kind], rows[growing])
            sums.add_periods(periods, length, now, known_until)
    return sums


def _periods_of(counted: Sequence[TupleRow], growing: Sequence[TupleRow]) -> Periods:
    # None grow where none are counted.
    _, starts, types, names, _, _, _, parts, _ = zip(*counted, *growing, strict=True)
    return Periods(starts, list(zip(types, names, strict=True)), parts, len(counted))


def _unit(intervals: Intervals) -> timedelta:
    """The parts that are added up; in the present one some runs are late, and some are not."""
    return MINUTE if intervals.length < HOUR else HOUR


def _moments(sent: bytes) -> Integers:
    return np.frombuffer(sent, dtype=">i8").astype(np.int64) + _YEAR_2000


def _within(intervals: Intervals, parameters: Parameters) -> str:
    start, end = parameters.bind(intervals.start), parameters.bind(intervals.end)
    return f"expected_start_time >= {start} AND expected_start_time < {end}"


def _scanned(table: str, condition: str, intervals: Intervals, parameters: Parameters) -> str:
    """Every run."""
    start, length = parameters.bind(intervals.start), parameters.bind(intervals.length)
    seconds = parameters.bind(intervals.length.total_seconds())
    passed = f"date_part('epoch', date_bin({length}, expected_start_time, {start}) - {start})"
    times = ", ".join(f"(sum({time}) * {SECOND})::float8" for time in (durations.RUN_TIME, durations.LATENESS))
    return (
        f"SELECT {_Part.INTERVAL:d}, round({passed} / {seconds}::float8)::bigint, state_type, state_name,"  # noqa: S608
        f" count(*), {times}, NULL, NULL"
        f" FROM {table} WHERE {_within(intervals, parameters)} AND {condition} GROUP BY 2, 3, 4"
    )


def _rolled_up(
    table: str, condition: str, intervals: Intervals, parameters: Parameters, moved: Sequence[Moved]
) -> list[str]:
    """The sums of hours and of minutes, what has been added to them by the clock, and what has to be moved."""
    live = f"{_within(intervals, parameters)} AND {condition} GROUP BY 3, 4"
    # Adding these up takes PostgreSQL twice as long as handing them out.
    starts = "string_agg(timestamptz_send(expected_start_time), '')"
    grown = f"float8send({durations.RUNNING_SINCE}) || float8send(({durations.UNSTEADY_LATENESS})::float8)"
    now = f"({SECOND} * extract(epoch FROM statement_timestamp()))::bigint"
    unit = "minute" if _unit(intervals) == MINUTE else "hour"
    parts = [
        f"SELECT {_Part.NOW:d}, {now}, NULL::text, NULL::text, 0::bigint, 0::float8, 0::float8, NULL::bytea,"
        " NULL::bytea",
        f"SELECT {_Part.UNSTEADY:d}, 0, state_type, state_name, NULL, NULL, NULL, {starts}, string_agg({grown}, '')"  # noqa: S608
        f" FROM {table} WHERE {durations.IS_UNSTEADY} AND {live}",
        f"SELECT {_Part.LATE:d}, 0, state_type, state_name, NULL, NULL, NULL, {starts}, NULL FROM {table}"  # noqa: S608
        f" WHERE {durations.is_late_since(unit)} AND {live}",
    ]
    if _unit(intervals) == MINUTE:
        start = f"start >= {parameters.bind(floor(intervals.start, HOUR))} AND start < {parameters.bind(intervals.end)}"
        parts.append(_periods((_Part.HOUR, _Part.GROWING_HOUR), table, f"{start} AND {condition}"))
    else:
        first = floor(intervals.start, HOUR).replace(hour=0)
        start = f"start >= {parameters.bind(first)} AND start < {parameters.bind(intervals.end)}"
        parts.append(_periods((_Part.DAY, _Part.GROWING_DAY), table, f"{start} AND {condition}"))
        if cut := intervals.cut_hours():
            hours = f"SELECT {_MOMENT.format('hour')} FROM unnest({parameters.bind(cut)}::bigint[]) AS hour"  # noqa: S608
            start = f"start = ANY (ARRAY({hours}))"
            parts.append(_periods((_Part.HOUR, _Part.GROWING_HOUR), table, f"{start} AND {condition}"))
    if moved:
        parts.append(_moved(table, condition, moved, parameters, unit))
    return parts


def _periods(series: Sequence[_Part], table: str, condition: str) -> str:
    wanted = ", ".join(f"{each:d}" for each in series)
    return (
        f"SELECT series, ({SECOND} * extract(epoch FROM start))::bigint, state_type, state_name, NULL, NULL, NULL,"  # noqa: S608
        f" parts, NULL FROM {PERIODS[table].source} WHERE series IN ({wanted}) AND {condition}"
    )


def _moved(table: str, condition: str, moved: Sequence[Moved], parameters: Parameters, unit: str) -> str:
    """The runs in the smaller parts of minutes that are cut; each part is found by the index."""
    starts, ends = (parameters.bind([part[index] for part in moved]) for index in (0, 1))
    return (
        f"SELECT {_Part.MOVED:d}, cut.number - 1, state_type, state_name, count(*),"  # noqa: S608  our own text
        f" (sum(run_time_of(total_run_time) + {durations.GROWN_RUN_TIME}) * {SECOND})::float8,"
        f" (sum(lateness_of(start_time, expected_start_time) + {durations.grown_lateness(unit)}) * {SECOND})::float8,"
        " NULL, NULL"
        f" FROM unnest({starts}::bigint[], {ends}::bigint[]) WITH ORDINALITY AS cut(first, last, number)"
        f" CROSS JOIN LATERAL (SELECT * FROM {table} WHERE expected_start_time >= {_MOMENT.format('first')}"
        f" AND expected_start_time < {_MOMENT.format('last')} AND {condition}) AS run GROUP BY 2, 3, 4"
    )


async def average_lateness(connection: AsyncConnection[Any], criteria: Criteria) -> bytes:
    """How late the flow runs are that meet the criteria, in seconds; null if there are none."""
    parameters = rollups.parameters_on(connection)
    has_sums = rollups.are_kept(connection)
    window = Window.asked_for(criteria) if has_sums else None
    if window is not None:
        lateness, source, condition = "sum(lateness) / nullif(sum(runs), 0)", window.lateness(parameters), "TRUE"
        is_summed = True
    else:
        condition = criteria.on("flow_run", parameters)
        lateness, source, is_summed = _lateness_of_all(condition, parameters, has_sums=has_sums)
    query = f"SELECT ({lateness})::double precision AS lateness FROM {source} WHERE {condition}"  # noqa: S608
    return encoded((await rows(connection, query, parameters.values, keeps_plan=is_summed))[0]["lateness"])


def _lateness_of_all(condition: str, parameters: Parameters, *, has_sums: bool) -> tuple[str, str, bool]:
    """An expression for it, what it is asked of, and whether these are sums."""
    counts = COUNTS["flow_run"]
    if not has_sums or not counts.answers(condition):
        return f"avg({durations.ESTIMATED_START_TIME_DELTA})", "flow_run", False
    if PERIODS["flow_run"].answers(condition):
        parts = late_by((None, None), condition, parameters)
    else:
        parts = [f"{durations.LATE_BY_ALL} FROM flow_run WHERE {durations.IS_LATE} AND {condition}"]
    late = " + ".join(f"coalesce((SELECT {part}), 0)" for part in parts)
    return f"(sum(lateness) + {late}) / nullif(sum(runs), 0)", counts.source, True
