"""Flow runs are found by a part of their name, wherever in the table they are (schema/derived/flow_run_name.sql)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import orjson
import pytest
from psycopg import AsyncConnection

from antiphon.projections.filters.criteria import Criteria
from antiphon.projections.filters.objects import FlowRunFilter
from antiphon.projections.flow_run.queries import FLOW_RUNS, FlowRunSort
from tests.integration.projections.filled import execute, filled_database, reading_from
from tests.servers import PostgresServer

_FILL = (
    "INSERT INTO flow_run (id, created, updated, name, flow_id, tags, labels, parameters, context, empirical_policy,"
    " auto_scheduled) SELECT ('00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid, now(), now(),"
    " CASE WHEN n = 3 THEN 'RARE-Ä_%' WHEN n % 2 = 0 THEN 'Even-' || n ELSE 'odd-' || n END, gen_random_uuid(),"
    " '{}', '{}', '{}', '{}', '{}', false FROM generate_series(1, 900) AS n"
)
_CHANGES = (
    "UPDATE flow_run SET name = 'Even-once-ODD' WHERE name LIKE 'odd-1%'",
    "UPDATE flow_run SET name = name",
    "DELETE FROM flow_run WHERE name LIKE '%7'",
)


@pytest.fixture(scope="module")
def named_url(postgres_server: PostgresServer) -> Iterator[str]:
    with filled_database(postgres_server, lambda url: execute(url, (_FILL, *_CHANGES))) as url:
        yield url


@pytest.fixture
async def reading(named_url: str) -> AsyncIterator[AsyncConnection[Any]]:
    async with reading_from(named_url) as connection:
        yield connection


async def test_names_are_those_of_the_runs(reading: AsyncConnection[Any]) -> None:
    kept = await (await reading.execute("SELECT id, lower_name FROM flow_run_name ORDER BY 1")).fetchall()
    assert len(kept) > 400
    assert kept == await (await reading.execute("SELECT id, lower(name) FROM flow_run ORDER BY 1")).fetchall()


@pytest.mark.parametrize("part", ["odd", "EVEN-", "ONCE-odd", "e-ä", "rare", "_\\%", "%", "-1__", "nowhere"])
@pytest.mark.parametrize("filter_", [{}, {"operator": "or_"}, {"state": {"type": {"any_": []}}}])
async def test_a_part_finds_what_ilike_finds(reading: AsyncConnection[Any], part: str, filter_: dict[str, Any]) -> None:
    found = await reading.execute("SELECT id::text FROM flow_run WHERE name ILIKE %s ORDER BY id DESC", [f"%{part}%"])
    expected = [] if "state" in filter_ else [id_ for (id_,) in await found.fetchall()]
    criteria = Criteria(flow_runs=FlowRunFilter.model_validate({"name": {"like_": part}} | filter_))
    assert await FLOW_RUNS.count(reading, criteria) == len(expected)
    for sort, wanted in (FlowRunSort.ID_DESC, expected), (FlowRunSort.EXPECTED_START_TIME_ASC, sorted(expected)):
        for limit, offset in ((0, 0), (1, 0), (1, 2), (2, 0), (200, 0), (200, 90)):
            page = orjson.loads(await FLOW_RUNS.find(reading, criteria, sort, limit, offset))
            if sort is FlowRunSort.ID_DESC:
                assert [run["id"] for run in page] == wanted[offset : offset + limit]
            else:
                assert len(page) == len(wanted[offset : offset + limit])
