"""Runs are found by what is indexed of them, and by what is too long for an index (schema/tables/flow_run.sql)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import orjson
import pytest
from psycopg import AsyncConnection

from antiphon.projections.filters.conditions import Parameters
from antiphon.projections.filters.criteria import Criteria
from antiphon.projections.filters.objects import FlowRunFilter, TaskRunFilter
from antiphon.projections.flow_run.queries import FLOW_RUNS, FlowRunSort
from antiphon.projections.resource import Resource
from antiphon.projections.task_run.queries import TASK_RUNS, TaskRunSort
from tests.integration.projections.filled import execute, filled_database, reading_from
from tests.servers import PostgresServer

_RUNS = 1500
#: Too long for an index, and alike at the beginning.
_LONG = "ä" * 3000
_NAME = (
    f"CASE WHEN n % 100 = 0 THEN '{_LONG}' || n WHEN n % 3 = 0 THEN 'three' WHEN n % 2 = 0 THEN '' ELSE 'Run-' || n END"
)
_STATES = f"(ARRAY['Completed', 'Late', 'Paused', 'Failed', NULL, '{_LONG}'])"
_COMMON = (
    f"('00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid, now(), now(), {_NAME}, '{{}}', '{{}}',"
    f" {_STATES}[1 + n % 6], CASE WHEN n % 5 > 0 THEN now() - n * interval '7 seconds' END,"
    " now() - n % 77 * interval '1 minute'"
)
_FILL = (
    "INSERT INTO flow_run (id, created, updated, name, tags, empirical_policy, state_name, end_time,"  # noqa: S608
    " expected_start_time, flow_id, labels, parameters, context, auto_scheduled, flow_version, work_queue_name,"
    f" parent_task_run_id) SELECT {_COMMON}, gen_random_uuid(), '{{}}', '{{}}', '{{}}', false,"
    f" (ARRAY['1', '2', '{_LONG}', NULL])[1 + n % 4], (ARRAY['q', NULL])[1 + n % 2],"
    f" CASE WHEN n % 9 = 0 THEN gen_random_uuid() END FROM generate_series(1, {_RUNS}) AS n",
    "INSERT INTO task_run (id, created, updated, name, tags, empirical_policy, state_name, end_time,"  # noqa: S608
    " expected_start_time, awaits_flow_run, task_key, dynamic_key, task_inputs)"
    f" SELECT {_COMMON}, false, 'key', '0', '{{}}' FROM generate_series(1, {_RUNS}) AS n",
)
#: What is asked, and the same of the rows.
_OF_BOTH: list[tuple[dict[str, Any], str]] = [
    ({"name": {"any_": ["three"]}}, "name = 'three'"),
    ({"name": {"any_": ["Run-5", "", "nobody"]}}, "name IN ('Run-5', '', 'nobody')"),
    ({"name": {"any_": [f"{_LONG}300", "three"]}}, f"name IN ('{_LONG}300', 'three')"),
    ({"name": {"any_": [_LONG[:500]]}}, "false"),
    ({"name": {"any_": []}}, "false"),
    ({"state": {"name": {"any_": ["Late"]}}}, "state_name = 'Late'"),
    ({"state": {"name": {"any_": ["Late", "Paused"]}}}, "state_name IN ('Late', 'Paused')"),
    ({"state": {"name": {"any_": ["Late", "Failed"]}}}, "state_name IN ('Late', 'Failed')"),
    ({"state": {"name": {"any_": [_LONG, "Late"]}}}, f"state_name IN ('{_LONG}', 'Late')"),
    ({"state": {"name": {"any_": []}}}, "false"),
]
_OF_FLOW_RUNS: list[tuple[dict[str, Any], str]] = [
    ({"flow_version": {"any_": ["1"]}}, "flow_version = '1'"),
    ({"flow_version": {"any_": ["2", _LONG]}}, f"flow_version IN ('2', '{_LONG}')"),
    ({"work_queue_name": {"any_": ["q"]}}, "work_queue_name = 'q'"),
    ({"work_queue_name": {"is_null_": True}}, "work_queue_name IS NULL"),
    ({"state": {"name": {"not_any_": ["Late"]}}}, "state_name <> 'Late'"),
    ({"parent_task_run_id": {"is_null_": True}}, "parent_task_run_id IS NULL"),
    ({"parent_task_run_id": {"is_null_": False}}, "parent_task_run_id IS NOT NULL"),
    (
        {"parent_task_run_id": {"is_null_": True}, "state": {"name": {"any_": ["Late"]}}},
        "parent_task_run_id IS NULL AND state_name = 'Late'",
    ),
    (
        {"parent_task_run_id": {"is_null_": True}, "name": {"any_": ["three"]}},
        "parent_task_run_id IS NULL AND name = 'three'",
    ),
    (
        {"parent_task_run_id": {"is_null_": True}, "name": {"any_": ["three"]}, "operator": "or_"},
        "parent_task_run_id IS NULL OR name = 'three'",
    ),
]


@pytest.fixture(scope="module")
def filled_url(postgres_server: PostgresServer) -> Iterator[str]:
    with filled_database(postgres_server, lambda url: execute(url, _FILL)) as url:
        yield url


@pytest.fixture
async def reading(filled_url: str) -> AsyncIterator[AsyncConnection[Any]]:
    async with reading_from(filled_url) as connection:
        yield connection


def _asked(run: str, filter_: dict[str, Any]) -> tuple[Resource[Any], Criteria]:
    if run == "flow_run":
        return FLOW_RUNS, Criteria(flow_runs=FlowRunFilter.model_validate(filter_))
    return TASK_RUNS, Criteria(task_runs=TaskRunFilter.model_validate(filter_))


async def _ids(reading: AsyncConnection[Any], run: str, rest: str) -> list[str]:
    found = await reading.execute(f"SELECT id::text FROM {run} {rest}".encode())  # noqa: S608
    return [id_ for (id_,) in await found.fetchall()]


@pytest.mark.parametrize(
    ("run", "filter_", "condition"),
    [(run, *case) for run in ("flow_run", "task_run") for case in _OF_BOTH]
    + [("flow_run", *case) for case in _OF_FLOW_RUNS],
)
async def test_runs_are_those_that_meet_the_filter(
    reading: AsyncConnection[Any], run: str, filter_: dict[str, Any], condition: str
) -> None:
    resource, criteria = _asked(run, filter_)
    expected = await _ids(reading, run, f"WHERE {condition} ORDER BY id DESC")
    assert await resource.count(reading, criteria) == len(expected)
    for limit, offset in ((200, 0), (200, 200), (3, 1000)):
        page = orjson.loads(await resource.find(reading, criteria, resource.sort("ID_DESC"), limit, offset))
        assert [row["id"] for row in page] == expected[offset : offset + limit]


@pytest.mark.parametrize(
    ("run", "sort", "column"),
    [
        ("flow_run", FlowRunSort.NAME_ASC, "name"),
        ("flow_run", FlowRunSort.NAME_DESC, "name"),
        ("flow_run", FlowRunSort.END_TIME_DESC, "end_time"),
        ("flow_run", FlowRunSort.START_TIME_DESC, "expected_start_time"),
        ("task_run", TaskRunSort.NAME_ASC, "name"),
        ("task_run", TaskRunSort.END_TIME_DESC, "end_time"),
    ],
)
async def test_pages_are_in_their_order_however_far_away(
    reading: AsyncConnection[Any], run: str, sort: Any, column: str
) -> None:
    resource, criteria = _asked(run, {})
    query = f"SELECT {column} FROM {run} ORDER BY {column} {sort.rpartition('_')[2]}"  # noqa: S608
    values = [value for (value,) in await (await reading.execute(query.encode())).fetchall()]
    shown: dict[str, Any] = {}
    for offset in (0, 1000, 1400):
        page = orjson.loads(await resource.find(reading, criteria, sort, 200, offset))
        rows = f"SELECT {column} FROM unnest(%s::uuid[]) WITH ORDINALITY AS t(id, n) JOIN {run} USING (id) ORDER BY n"  # noqa: S608
        found = await reading.execute(rows.encode(), [[row["id"] for row in page]])
        assert [value for (value,) in await found.fetchall()] == values[offset : offset + 200]
        shown |= {row["id"]: row for row in page}
    assert len(shown) == 500


@pytest.mark.parametrize(
    ("filter_", "index"),
    [
        ({"name": {"any_": ["three"]}}, "flow_run_named"),
        ({"flow_version": {"any_": ["1"]}}, "flow_run_version"),
        ({"work_queue_name": {"any_": ["q"]}}, "flow_run_queue_name"),
        ({"state": {"name": {"any_": ["Late", "Paused"]}}}, "flow_run_unusual_state"),
        ({"end_time": {"after_": "2000-01-01T00:00:00Z"}}, "flow_run_end"),
    ],
)
async def test_an_index_answers(reading: AsyncConnection[Any], filter_: dict[str, Any], index: str) -> None:
    parameters, (_, criteria) = Parameters(), _asked("flow_run", filter_)
    await reading.execute("SET enable_seqscan TO off")
    query = f"EXPLAIN SELECT id FROM flow_run WHERE {criteria.on('flow_run', parameters)}"  # noqa: S608
    plan = await (await reading.execute(query.encode(), parameters.values)).fetchall()
    assert any(index in line for (line,) in plan)


async def test_an_index_finds_parts_of_names(reading: AsyncConnection[Any]) -> None:
    await reading.execute("SET enable_seqscan TO off")
    plan = await (await reading.execute("EXPLAIN SELECT FROM flow_run_name WHERE lower_name LIKE '%run-7%'")).fetchall()
    assert any("flow_run_name_parts" in line for (line,) in plan)
