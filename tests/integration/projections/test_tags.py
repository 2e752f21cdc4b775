"""Runs are found by their tags and by their states, wherever in the table they are (schema/derived/run_tag.sql)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import orjson
import pytest
from psycopg import AsyncConnection

from antiphon.projections.core.reading import LARGEST
from antiphon.projections.filters.criteria import Criteria
from antiphon.projections.filters.objects import FlowRunFilter, TaskRunFilter
from antiphon.projections.flow_run.queries import FLOW_RUNS, FlowRunSort
from antiphon.projections.resource import Resource
from antiphon.projections.task_run.queries import TASK_RUNS, TaskRunSort
from tests.integration.projections.filled import execute, filled_database, reading_from
from tests.servers import PostgresServer

_LONG = "ä" * 600
_NEARLY_TOO_LONG = "b" * 1000
_TYPES = "(ARRAY['COMPLETED', 'FAILED', 'CRASHED', 'RUNNING', NULL])[1 + n % 5]"
_TAGS = (
    "array_remove(ARRAY[CASE WHEN n % 2 = 0 THEN 'even' END, CASE WHEN n % 7 = 0 THEN 'seven' END,"
    f" CASE WHEN n % 11 = 0 THEN '{_LONG}' END, CASE WHEN n % 13 = 0 THEN '{_NEARLY_TOO_LONG}' END,"
    " CASE WHEN n % 14 = 0 THEN 'seven' END], NULL)"
)
_ROWS = f"SELECT ('00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid, now(), now(), 'run-' || n, {_TAGS},"
_FILL = (
    "INSERT INTO flow_run (id, created, updated, name, tags, state_type, flow_id, labels, parameters, context,"
    f" empirical_policy, auto_scheduled) {_ROWS} {_TYPES}, gen_random_uuid(), '{{}}', '{{}}', '{{}}', '{{}}', false"
    " FROM generate_series(1, 600) AS n",
    "INSERT INTO task_run (id, created, updated, name, tags, state_type, awaits_flow_run, task_key, dynamic_key,"
    f" empirical_policy, task_inputs) {_ROWS} {_TYPES}, n % 17 = 0, 'key', '0', '{{}}', '{{}}'"
    " FROM generate_series(1, 600) AS n",
)
_CHANGES = (
    "UPDATE {run} SET tags = ARRAY['late', 'even', 'late'] WHERE name LIKE '%5'",
    "UPDATE {run} SET tags = '{{}}' WHERE name LIKE '%26'",
    "UPDATE {run} SET tags = tags, state_type = 'CRASHED' WHERE name LIKE '%8'",
    "DELETE FROM {run} WHERE name LIKE '%7'",
)
_FILTERS: list[dict[str, Any]] = [
    {"tags": {"all_": ["even"]}},
    {"tags": {"all_": ["even", "seven", "even"]}},
    {"tags": {"all_": ["seven", _LONG]}},
    {"tags": {"all_": [_NEARLY_TOO_LONG]}},
    {"tags": {"all_": ["even", "late", "a", "b", "c", "d"]}},
    {"tags": {"all_": []}},
    {"tags": {"all_": ["nowhere"]}},
    {"tags": {"all_": ["late"], "is_null_": True, "operator": "or_"}},
    {"tags": {"all_": ["late"]}, "operator": "or_", "state": {"type": {"any_": ["FAILED", "CRASHED"]}}},
    {"tags": {"all_": ["seven"]}, "state": {"type": {"any_": ["FAILED", "CRASHED", "FAILED"]}}},
    {"state": {"type": {"any_": ["FAILED", "RUNNING"]}}},
    {"state": {"type": {"any_": ["FAILED"]}}},
    {"state": {"type": {"any_": []}}},
    {"state": {"type": {"any_": ["FAILED", "RUNNING"]}, "name": {"any_": ["Failed"]}, "operator": "or_"}},
]
_OF_FLOW_RUNS: list[dict[str, Any]] = [
    {"tags": {"any_": ["late", "seven"]}},
    {"tags": {"any_": ["late", _LONG]}},
    {"tags": {"any_": []}},
    {"tags": {"any_": ["late", "seven"], "all_": ["even"]}},
    {"state": {"type": {"any_": ["FAILED", "RUNNING"], "not_any_": ["RUNNING"]}}},
]


@pytest.fixture(scope="module")
def tagged_url(postgres_server: PostgresServer) -> Iterator[str]:
    changes = [change.format(run=run) for change in _CHANGES for run in ("flow_run", "task_run")]
    with filled_database(postgres_server, lambda url: execute(url, (*_FILL, *changes))) as url:
        yield url


@pytest.fixture
async def reading(tagged_url: str) -> AsyncIterator[AsyncConnection[Any]]:
    async with reading_from(tagged_url) as connection:
        yield connection


@pytest.mark.parametrize("run", ["flow_run", "task_run"])
async def test_tags_are_those_of_the_runs(reading: AsyncConnection[Any], run: str) -> None:
    kept = await (await reading.execute(f"SELECT tag, id FROM {run}_tag ORDER BY 1, 2".encode())).fetchall()  # noqa: S608
    assert len(kept) > 300
    query = f'SELECT DISTINCT tag COLLATE "C", id FROM {run}, unnest(tags) AS tag WHERE length(tag) < 600 OR tag = %s'  # noqa: S608
    found = await reading.execute(f"{query} ORDER BY 1, 2".encode(), [_NEARLY_TOO_LONG])
    assert kept == await found.fetchall()


def _meets(row: dict[str, Any], filter_: dict[str, Any]) -> bool:
    asked, state = filter_.get("tags", {}), filter_.get("state", {})
    types = state.get("type", {})
    found_tags, found_state, join = [], [], {"or_": any}.get(filter_.get("operator", ""), all)
    if asked.get("all_"):
        found_tags.append(set(asked["all_"]) <= set(row["tags"]))
    if "any_" in asked:
        found_tags.append(bool(set(asked["any_"]) & set(row["tags"])))
    if "is_null_" in asked:
        found_tags.append((not row["tags"]) is asked["is_null_"])
    if "any_" in types and "not_any_" not in types:
        found_state.append(row["state_type"] in types["any_"])
    if "name" in state:
        # No run here has a state with a name.
        found_state.append(False)
    parts = []
    for found, leaf in ((found_tags, asked), (found_state, state)):
        if found:
            parts.append(any(found) if leaf.get("operator") == "or_" else all(found))
    return join(parts)


@pytest.mark.parametrize("filter_", _FILTERS + _OF_FLOW_RUNS)
async def test_runs_are_those_that_meet_the_filter(reading: AsyncConnection[Any], filter_: dict[str, Any]) -> None:
    await _require_found(
        reading, FLOW_RUNS, Criteria(flow_runs=FlowRunFilter.model_validate(filter_)), filter_, FlowRunSort, "TRUE"
    )
    if filter_ in _FILTERS:
        criteria = Criteria(task_runs=TaskRunFilter.model_validate(filter_))
        await _require_found(reading, TASK_RUNS, criteria, filter_, TaskRunSort, "NOT awaits_flow_run")


async def _require_found(
    reading: AsyncConnection[Any],
    resource: Resource[Any],
    criteria: Criteria,
    filter_: dict[str, Any],
    sorts: Any,
    visible: str,
) -> None:
    query = f"SELECT id::text, tags, state_type FROM {resource.table} WHERE {visible} ORDER BY id DESC"  # noqa: S608
    columns = ("id", "tags", "state_type")
    rows = [dict(zip(columns, row, strict=True)) for row in await (await reading.execute(query.encode())).fetchall()]
    expected = [row["id"] for row in rows if _meets(row, filter_)]
    assert await resource.count(reading, criteria) == len(expected)
    for limit, offset in ((0, 0), (1, 0), (3, 2), (200, 0), (200, 90), (1000, 0), (200, LARGEST)):
        page = orjson.loads(await resource.find(reading, criteria, sorts.ID_DESC, limit, offset))
        assert [run["id"] for run in page] == expected[offset : offset + limit]
    by_name = orjson.loads(await resource.find(reading, criteria, sorts.NAME_ASC, 1000, 0))
    assert sorted(run["id"] for run in by_name) == sorted(expected)
