"""Only queries whose best plan does not depend on their parameters are prepared."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from psycopg import AsyncConnection

from antiphon.projections.core.reading import configure, records, rows

_PREPARED = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%flow_run_count%'"


@pytest.fixture
async def connection(postgres_url: str) -> AsyncIterator[AsyncConnection[Any]]:
    async with await AsyncConnection.connect(postgres_url) as found:
        await configure(found)
        yield found


async def test_a_query_is_prepared_only_where_it_asks_for_it(connection: AsyncConnection[Any]) -> None:
    query = "SELECT coalesce(sum(runs), 0)::bigint AS n FROM flow_run_count WHERE state_type = %(state)s"
    for prepare, prepared in ((False, 0), (True, 1)):
        for _ in range(10):
            assert await rows(connection, query, {"state": "FAILED"}, prepare=prepare) == [{"n": 0}]
            assert await records(connection, query, {"state": "FAILED"}, prepare=prepare) == [(0,)]
        assert await (await connection.execute(_PREPARED)).fetchone() == (prepared,)
