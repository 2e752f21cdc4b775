"""Sums over runs give the same answers as the runs themselves (schema/derived/run_sums.sql)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from statistics import fmean
from typing import Any
from uuid import UUID

import orjson
import pytest
from psycopg import AsyncConnection

from antiphon.projections import dashboard
from antiphon.projections.engine.writer import connect
from antiphon.projections.filters.conditions import Parameters
from antiphon.projections.filters.criteria import Criteria
from antiphon.projections.filters.objects import FlowFilter, FlowRunFilter, TaskRunFilter
from antiphon.projections.flow_run.queries import FLOW_RUNS
from antiphon.projections.sums.history import history
from antiphon.projections.sums.intervals import Intervals
from antiphon.projections.sums.rollups import BUCKETS, COUNTS
from antiphon.projections.sums.windows import Window, average_lateness
from antiphon.projections.task_run.queries import TASK_RUNS
from tests.integration.projections.filled import filled_database, reading_from
from tests.integration.projections.random_runs import NOW, YEAR_END, happen
from tests.servers import PostgresServer

NOBODY = {"id": {"not_any_": [str(UUID(int=0))]}}
NO_TASK = {"name": {"like_": "%"}}


@pytest.fixture(params=[1, 2, 3], scope="module")
def filled_url(postgres_server: PostgresServer, request: pytest.FixtureRequest) -> Iterator[str]:
    async def fill(url: str) -> None:
        async with await connect(url) as writing:
            await happen(writing, request.param)

    with filled_database(postgres_server, fill) as url:
        yield url


@pytest.fixture
async def reading(filled_url: str) -> AsyncIterator[AsyncConnection[Any]]:
    async with reading_from(filled_url) as connection:
        yield connection


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
        assert COUNTS["flow_run"].answers(criteria)
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


async def test_a_window_may_end_where_years_do(reading: AsyncConnection[Any]) -> None:
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    for column in ("start_time", "expected_start_time"):
        for window, is_everything in (({"before_": last, "after_": first}, True), ({"after_": last}, False)):
            criteria = Criteria(flow_runs=FlowRunFilter.model_validate({column: window}))
            assert Window.asked_for(criteria) is not None
            assert (await FLOW_RUNS.count(reading, criteria) > 100) is is_everything


def test_windows_that_sums_do_not_know_are_not_asked_of_them() -> None:
    begin, end = NOW - timedelta(days=1), NOW
    within: dict[str, Any] = {"start_time": {"after_": begin, "before_": end}}
    assert Window.asked_for(Criteria(flow_runs=FlowRunFilter.model_validate(within))) is not None
    others: tuple[dict[str, Any], ...] = (
        {"operator": "or_"},
        {"tags": {"all_": ["t"]}},
        {"expected_start_time": {"after_": begin}},
        {"start_time": {"after_": begin, "is_null_": False}},
        {"start_time": {}},
    )
    for other in others:
        assert Window.asked_for(Criteria(flow_runs=FlowRunFilter.model_validate(within | other))) is None
    assert Window.asked_for(Criteria(flows=FlowFilter(), flow_runs=FlowRunFilter.model_validate(within))) is None


async def test_task_runs_are_counted_the_same_from_sums_as_from_runs(reading: AsyncConnection[Any]) -> None:
    scanned = Criteria(task_runs=TaskRunFilter.model_validate(NO_TASK))
    assert 0 < await TASK_RUNS.count(reading, Criteria()) == await TASK_RUNS.count(reading, scanned)
    assert await dashboard.counts_by_state(reading, Criteria()) == await dashboard.counts_by_state(reading, scanned)


def test_sums_answer_what_refers_to_their_columns_only() -> None:
    of_state = FlowRunFilter.model_validate({"state": {"type": {"any_": ["RUNNING"]}}})
    of_deployment = FlowRunFilter.model_validate({"deployment_id": {"is_null_": True}})
    assert COUNTS["flow_run"].answers(Criteria())
    assert COUNTS["flow_run"].answers(Criteria(flows=FlowFilter(), flow_runs=of_deployment))
    assert not COUNTS["flow_run"].answers(Criteria(task_runs=TaskRunFilter()))
    assert BUCKETS["flow_run"].answers(Criteria(flow_runs=of_state))
    assert not BUCKETS["flow_run"].answers(Criteria(flow_runs=of_deployment))
