"""Sums over runs are what counting the runs themselves gives, whatever has happened to them (schema/0006 and on)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from statistics import fmean
from typing import Any
from uuid import UUID

import orjson
import psycopg
import pytest
from psycopg import AsyncConnection

from projections import dashboard
from projections.filters.conditions import Parameters
from projections.filters.criteria import Criteria
from projections.filters.objects import FlowFilter, FlowRunFilter, TaskRunFilter
from projections.flow_run.queries import FLOW_RUNS
from projections.history import average_lateness, history
from projections.intervals import Intervals
from projections.migrate import migrate, schema_files
from projections.reading import configure
from projections.rollups import COUNTS, PERIODS
from projections.task_run.queries import TASK_RUNS
from projections.windows import Window
from projections.writer import connect
from tests.servers import PostgresServer, fresh_database

NOW = datetime.now(UTC).replace(microsecond=0)
STATES = ("SCHEDULED", "PENDING", "RUNNING", "PAUSED", "COMPLETED", "FAILED", "CRASHED", None)
NOBODY = {"id": {"not_any_": [str(UUID(int=0))]}}
NO_TASK = {"name": {"like_": "%"}}

_PERIODS = (
    "SELECT series, date_trunc(length, moment, 'UTC'), {names}, count(*), sum(run_time), sum(lateness),"
    " (SELECT string_agg(int8send(n) || int8send(run_time) || int8send(lateness), '' ORDER BY number) FROM ("
    "SELECT number, count(one), coalesce(sum((one -> 1)::bigint), 0)::bigint,"
    " coalesce(sum((one -> 2)::bigint), 0)::bigint"
    " FROM generate_series(0, CASE length WHEN 'day' THEN 23 ELSE 59 END) AS number"
    " LEFT JOIN jsonb_array_elements(jsonb_agg(ARRAY[part, run_time, lateness])) AS one ON number = (one -> 0)::bigint"
    " GROUP BY 1) AS part(number, n, run_time, lateness))"
    " FROM (SELECT {names}, series, length, moment, date_part(part, moment AT TIME ZONE 'UTC')::bigint AS part,"
    " (run_time_of(total_run_time) * 1000000)::bigint AS run_time,"
    " (lateness_of(start_time, expected_start_time) * 1000000)::bigint AS lateness"
    " FROM {table}, LATERAL (VALUES {values}) AS p(series, length, part, moment)) AS run"
    " WHERE moment IS NOT NULL GROUP BY {numbers}, length"
)
_AGAIN = {
    "flow_run_count": "SELECT flow_id, state_type, state_name, deployment_id, work_queue_id, count(*),"
    " sum(lateness_of(start_time, expected_start_time)) FROM flow_run GROUP BY 1, 2, 3, 4, 5",
    "flow_run_period": _PERIODS.format(
        names="state_type, state_name",
        table="flow_run",
        numbers="1, 2, 3, 4",
        values="(1, 'hour', 'minute', expected_start_time), (2, 'day', 'hour', expected_start_time),"
        " (3, 'hour', 'minute', coalesce(start_time, expected_start_time))",
    ),
    "task_run_count": "SELECT state_type, state_name, awaits_flow_run, count(*) FROM task_run GROUP BY 1, 2, 3",
    "task_run_period": _PERIODS.format(
        names="state_type, state_name, awaits_flow_run",
        table="task_run",
        numbers="1, 2, 3, 4, 5",
        values="(1, 'hour', 'minute', expected_start_time), (2, 'day', 'hour', expected_start_time)",
    ),
}


#: Where minutes, hours, days and a year end, and the middle of a minute.
YEAR_END = datetime(2024, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
EDGES = [
    YEAR_END - timedelta(hours=hours, microseconds=microseconds)
    for hours in (0, 1, 11, 12, 24)
    for microseconds in (-1, 0, 1, 29_999_999, 30_000_000, 59_999_999)
]


def _progress(chance: random.Random) -> dict[str, Any]:
    """What transitions change, at random: also clocks that are wrong."""
    expected = NOW + timedelta(minutes=chance.randrange(-600, 60), milliseconds=chance.randrange(90_000))
    if chance.random() < 0.2:
        expected = chance.choice(EDGES)
    kind = chance.choice(STATES)
    return {
        "state_type": kind,
        "state_name": None if kind is None else chance.choice((kind.title(), "Odd", "x" * 9_000)),
        "state_timestamp": expected + timedelta(seconds=chance.randrange(-90, 7_200)),
        "expected_start_time": expected if chance.random() < 0.9 else None,
        "start_time": expected + timedelta(seconds=chance.uniform(-60, 600)) if chance.random() < 0.5 else None,
        "total_run_time": chance.choice((0.0, 1.5, 1e-06, 123_456.789012)),
    }


def _flow_run(chance: random.Random, number: int) -> dict[str, Any]:
    given = {"id": UUID(int=number), "name": f"run-{number}", "flow_id": UUID(int=chance.randrange(3)), "tags": []}
    given |= {"deployment_id": chance.choice((None, UUID(int=7))), "work_queue_id": chance.choice((None, UUID(int=8)))}
    empty = dict.fromkeys(("labels", "parameters", "context", "empirical_policy"), "{}")
    return given | empty | {"created": NOW, "updated": NOW, "auto_scheduled": False} | _progress(chance)


def _task_run(chance: random.Random, number: int) -> dict[str, Any]:
    given = {"id": UUID(int=number), "name": f"task-{number}", "task_key": "k", "dynamic_key": str(number), "tags": []}
    given |= {
        "flow_run_id": None,
        "awaits_flow_run": chance.random() < 0.2,
        "empirical_policy": "{}",
        "task_inputs": "{}",
    }
    return given | {"created": NOW, "updated": NOW} | _progress(chance)


async def _insert(connection: AsyncConnection[Any], table: str, rows: list[dict[str, Any]]) -> None:
    values = ", ".join("(" + ", ".join(f"%({name}_{n})s" for name in row) + ")" for n, row in enumerate(rows))
    query = f"INSERT INTO {table} ({', '.join(rows[0])}) VALUES {values}"  # noqa: S608
    given = {f"{name}_{n}": value for n, row in enumerate(rows) for name, value in row.items()}
    await connection.execute(query.encode(), given)


async def _happen(connection: AsyncConnection[Any], seed: int) -> None:
    """Runs come, change by the handful, are shown, and go."""
    chance = random.Random(seed)  # noqa: S311  to be the same in every run
    for start in range(1, 301, 25):
        numbers = range(start, start + 25)
        await _insert(connection, "flow_run", [_flow_run(chance, number) for number in numbers])
        await _insert(connection, "task_run", [_task_run(chance, number) for number in numbers])
        for table in ("flow_run", "task_run"):
            ids = [UUID(int=chance.randrange(1, start + 25)) for _ in range(8)]
            progress = _progress(chance)
            settings = ", ".join(f"{name} = %({name})s" for name in progress)
            moved = f"UPDATE {table} SET {settings} WHERE id = ANY (%(ids)s)"  # noqa: S608
            await connection.execute(moved.encode(), progress | {"ids": ids})
            gone = f"DELETE FROM {table} WHERE id = ANY (%(ids)s)"  # noqa: S608
            await connection.execute(gone.encode(), {"ids": ids[:2]})
        await connection.execute("UPDATE task_run SET awaits_flow_run = false WHERE id < %s", (UUID(int=start),))
    for number in range(3):
        flow = {"id": UUID(int=number), "created": NOW, "updated": NOW, "name": f"flow-{number}", "tags": ["t"]}
        await _insert(connection, "flow", [flow])


async def _filled(url: str, seed: int) -> None:
    await migrate(url)
    async with await connect(url) as writing:
        await _happen(writing, seed)


@pytest.fixture(params=[1, 2, 3], scope="module")
def filled_url(postgres_server: PostgresServer, request: pytest.FixtureRequest) -> Iterator[str]:
    with fresh_database(postgres_server) as url:
        asyncio.run(_filled(url, request.param))
        yield url


@pytest.fixture
async def reading(filled_url: str) -> AsyncIterator[AsyncConnection[Any]]:
    async with await psycopg.AsyncConnection.connect(filled_url) as connection:
        await configure(connection)
        yield connection


async def _require_sums_of_rows(connection: AsyncConnection[Any]) -> None:
    for table, again in _AGAIN.items():
        kept = await (await connection.execute(f"SELECT * FROM {table}".encode())).fetchall()  # noqa: S608
        counted = await (await connection.execute(again.encode())).fetchall()
        assert len(kept) > 5
        assert sorted(kept, key=str) == sorted(counted, key=str)


async def test_sums_are_those_of_the_rows(reading: AsyncConnection[Any]) -> None:
    await _require_sums_of_rows(reading)


async def test_sums_of_an_older_schema_are_taken_over(postgres_url: str) -> None:
    async with await AsyncConnection.connect(postgres_url, autocommit=True) as owner:
        await owner.execute("CREATE SCHEMA read_v1")
        await owner.execute("SET search_path TO read_v1")
        await owner.execute("CREATE TABLE migration (file text PRIMARY KEY)")
        for name, text in schema_files():
            if name < "0014":
                await owner.execute(text.encode())
                await owner.execute("INSERT INTO migration VALUES (%s)", [name])
    async with await connect(postgres_url) as writing:
        await _happen(writing, seed=4)
        await migrate(postgres_url)
        await _require_sums_of_rows(writing)
        for table in ("flow_run", "task_run"):
            # What was added before is taken away.
            await writing.execute(f"DELETE FROM {table} WHERE name LIKE '%%7'".encode())  # noqa: S608
            await writing.execute(f"UPDATE {table} SET state_type = 'FAILED', total_run_time = 2".encode())  # noqa: S608
        await _require_sums_of_rows(writing)
        for table in ("flow_run", "task_run"):
            await writing.execute(f"DELETE FROM {table}".encode())  # noqa: S608
            left = await writing.execute(f"SELECT FROM {table}_period".encode())
            assert await left.fetchall() == []


async def test_a_sum_that_no_number_holds_stops_nobody(postgres_url: str) -> None:
    await migrate(postgres_url)
    chance = random.Random(5)  # noqa: S311
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    late = {"expected_start_time": first, "start_time": last, "state_type": "FAILED", "state_name": "Failed"}
    async with await connect(postgres_url) as writing:
        await _insert(writing, "flow_run", [_flow_run(chance, number) | late for number in range(40)])
        sums = "SELECT runs, lateness, number_at(parts, 0) FROM flow_run_period WHERE series < 3"
        bound = 4 * 10**18
        assert await (await writing.execute(sums.encode())).fetchall() == [(40, bound, 40)] * 2
        await writing.execute("DELETE FROM flow_run")
        assert await (await writing.execute(sums.encode())).fetchall() == []


def _alike(one: Any, other: Any, runs: int = 1) -> bool:
    """Equal, but for the moments between two questions."""
    if isinstance(one, dict):
        count = one.get("count_runs", 1)
        return one.keys() == other.keys() and all(_alike(one[key], other[key], count) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(_alike(*pair) for pair in zip(one, other, strict=True))
    return abs(one - other) < 10 * runs if isinstance(one, float) else bool(one == other)


WINDOWS = [
    (NOW - timedelta(hours=12), timedelta(hours=1), 14),
    (NOW.replace(second=0) - timedelta(hours=11), timedelta(minutes=1), 500),
    (NOW - timedelta(hours=10, seconds=7.25), timedelta(minutes=44, seconds=3.5), 15),
    (NOW.replace(second=0) - timedelta(hours=3), timedelta(seconds=90), 120),
    (NOW.replace(minute=25, second=0) - timedelta(hours=10), timedelta(minutes=5), 130),
    (NOW.replace(minute=25, second=0) - timedelta(hours=10), timedelta(minutes=25), 26),
    (NOW.replace(minute=0, second=0) - timedelta(hours=10), timedelta(hours=1), 11),
    (NOW.replace(minute=0, second=0) - timedelta(hours=11), timedelta(hours=3), 4),
    (NOW - timedelta(hours=13, minutes=7, seconds=1), timedelta(hours=6, seconds=0.5), 3),
    (YEAR_END - timedelta(days=1, hours=3), timedelta(hours=1), 30),
    (YEAR_END - timedelta(days=1, hours=3) + timedelta(microseconds=1), timedelta(hours=1), 30),
    (YEAR_END - timedelta(days=1, seconds=30), timedelta(minutes=30), 60),
    (YEAR_END - timedelta(days=2), timedelta(days=1), 4),
    (YEAR_END - timedelta(days=40, seconds=30), timedelta(days=7, microseconds=1), 8),
]


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("state", [None, {"type": {"any_": ["RUNNING", "SCHEDULED"]}}, {"name": {"not_any_": ["Odd"]}}])
async def test_history_is_the_same_from_sums_as_from_runs(
    reading: AsyncConnection[Any], window: tuple[datetime, timedelta, int], state: Any
) -> None:
    start, length, count = window
    intervals = Intervals.between(start, start + count * length, length)
    runs = FlowRunFilter.model_validate({"state": state}), FlowRunFilter.model_validate({"state": state} | NOBODY)
    simple = {"state": state if state is None or "not_any_" not in str(state) else None}
    tasks = TaskRunFilter.model_validate(simple), TaskRunFilter.model_validate(simple | NO_TASK)
    for table, pair in (
        ("flow_run", [Criteria(flow_runs=each) for each in runs]),
        ("task_run", [Criteria(task_runs=each) for each in tasks]),
    ):
        summed, scanned = [orjson.loads(await history(reading, table, each, intervals)) for each in pair]
        assert any(interval["states"] for interval in summed)
        assert _alike(summed, scanned)


@pytest.mark.parametrize(
    "filter_",
    [
        {},
        {"state": {"type": {"any_": ["RUNNING"]}}},
        {"state": {"name": {"not_any_": ["Odd"]}}},
        {"deployment_id": {"is_null_": True}},
        {"operator": "or_", "deployment_id": {"any_": [str(UUID(int=7))]}, "state": {"type": {"any_": ["FAILED"]}}},
        {"state": {"type": {"any_": []}}},
    ],
)
async def test_counts_and_lateness_are_the_same_from_sums_as_from_runs(
    reading: AsyncConnection[Any], filter_: dict[str, Any]
) -> None:
    for flows in (None, FlowFilter.model_validate({"name": {"any_": ["flow-1"]}})):
        criteria = Criteria(flows=flows, flow_runs=FlowRunFilter.model_validate(filter_))
        parameters = Parameters()
        condition = criteria.on("flow_run", parameters)
        assert COUNTS["flow_run"].answers(condition)
        late = [row["estimated_start_time_delta"] for row in await FLOW_RUNS.select(reading, condition, parameters)]
        assert await FLOW_RUNS.count(reading, criteria) == len(late)
        average = orjson.loads(await average_lateness(reading, criteria))
        assert _alike(average, fmean(late)) if late else average is None


ENDS = [
    (timedelta(hours=-9, seconds=-7), timedelta(minutes=-41)),
    (timedelta(hours=-9), timedelta(hours=-2)),
    (timedelta(hours=-7, minutes=-3), None),
    (None, timedelta(hours=-1, seconds=-1)),
    (timedelta(minutes=-50), timedelta(minutes=-20)),
    (timedelta(seconds=-90), timedelta(seconds=-40)),
    (timedelta(hours=-5), timedelta(hours=-6)),
]


@pytest.mark.parametrize("ends", ENDS)
@pytest.mark.parametrize("column", ["start_time", "expected_start_time"])
async def test_windows_are_the_same_from_sums_as_from_runs(
    reading: AsyncConnection[Any], column: str, ends: tuple[timedelta | None, timedelta | None]
) -> None:
    exact = await (
        await reading.execute("SELECT expected_start_time FROM flow_run WHERE start_time IS NULL ORDER BY 1 LIMIT 9")
    ).fetchall()
    # A run that starts just at the end of a window is in it.
    for now in (NOW, NOW.replace(second=0), exact[-1][0] + timedelta(hours=2)):
        after, before = (None if end is None else now + end for end in ends)
        window = {column: {"after_": after, "before_": before}}
        for state in (None, {"type": {"any_": ["SCHEDULED", "RUNNING", "COMPLETED"]}}):
            given = window | {"state": state}
            summed, scanned = (
                Criteria(flow_runs=FlowRunFilter.model_validate(filter_)) for filter_ in (given, given | NOBODY)
            )
            assert Window.asked_for(scanned) is None
            assert await FLOW_RUNS.count(reading, summed) == await FLOW_RUNS.count(reading, scanned)
            late = [orjson.loads(await average_lateness(reading, criteria)) for criteria in (summed, scanned)]
            assert _alike(*late)


def test_windows_that_sums_do_not_know_are_not_asked_of_them() -> None:
    begin, end = NOW - timedelta(days=1), NOW
    within: dict[str, Any] = {"start_time": {"after_": begin, "before_": end}}
    assert Window.asked_for(Criteria(flow_runs=FlowRunFilter.model_validate(within))) is not None
    others: tuple[dict[str, Any], ...] = (
        {"operator": "or_"},
        {"tags": {"all_": ["t"]}},
        {"expected_start_time": {"after_": begin}},
        {"start_time": {"after_": begin, "is_null_": False}},
        {"start_time": {"after_": datetime.max.replace(tzinfo=UTC)}},
        {"start_time": {}},
    )
    for other in others:
        assert Window.asked_for(Criteria(flow_runs=FlowRunFilter.model_validate(within | other))) is None
    assert Window.asked_for(Criteria(flows=FlowFilter(), flow_runs=FlowRunFilter.model_validate(within))) is None


async def test_task_runs_are_counted_the_same_from_sums_as_from_runs(reading: AsyncConnection[Any]) -> None:
    scanned = Criteria(task_runs=TaskRunFilter.model_validate(NO_TASK))
    assert 0 < await TASK_RUNS.count(reading, Criteria()) == await TASK_RUNS.count(reading, scanned)
    assert await dashboard.counts_by_state(reading, Criteria()) == await dashboard.counts_by_state(reading, scanned)


def test_sums_answer_what_speaks_of_their_columns_only() -> None:
    assert COUNTS["flow_run"].answers("(TRUE)")
    assert COUNTS["flow_run"].answers("EXISTS (SELECT FROM flow WHERE flow.id = flow_run.flow_id)")
    assert not COUNTS["flow_run"].answers("EXISTS (SELECT FROM task_run WHERE task_run.flow_run_id = flow_run.id)")
    assert not PERIODS["flow_run"].answers("(flow_run.state_type = 'RUNNING' AND flow_run.flow_id = 'x')")
