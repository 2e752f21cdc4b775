"""Only queries on sums keep their plans."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from psycopg import AsyncConnection

from antiphon.projections.core.reading import configure, records, rows

_SETTINGS = "SELECT current_setting('plan_cache_mode') AS plans, current_setting('enable_seqscan') AS scans"
_NEW = {"plans": "force_custom_plan", "scans": "on"}
_KEPT = {"plans": "force_generic_plan", "scans": "off"}


@pytest.fixture
async def connection(postgres_url: str) -> AsyncIterator[AsyncConnection[Any]]:
    async with await AsyncConnection.connect(postgres_url) as found:
        await configure(found)
        yield found


async def test_a_plan_is_kept_where_it_may_be_and_made_anew_elsewhere(connection: AsyncConnection[Any]) -> None:
    assert await rows(connection, _SETTINGS, {}) == [_NEW]
    for _ in range(2):
        assert await rows(connection, _SETTINGS, {}, keeps_plan=True) == [_KEPT]
    assert await rows(connection, _SETTINGS, {}) == [_NEW]
    assert await records(connection, _SETTINGS, {}, keeps_plan=True) == [tuple(_KEPT.values())]
    assert await records(connection, _SETTINGS, {}) == [tuple(_NEW.values())]


async def test_a_plan_that_is_kept_is_made_once(connection: AsyncConnection[Any]) -> None:
    query = "SELECT coalesce(sum(runs), 0)::bigint AS n FROM flow_run_count WHERE state_type = %(state)s"
    for state in ("FAILED", "RUNNING", "FAILED"):
        assert await rows(connection, query, {"state": state}, keeps_plan=True) == [{"n": 0}]
    found = await rows(
        connection,
        "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement LIKE '%%flow_run_count%%'"
        " AND statement NOT LIKE '%%pg_prepared%%'",
        {},
    )
    assert found == [{"generic_plans": 3, "custom_plans": 0}]
