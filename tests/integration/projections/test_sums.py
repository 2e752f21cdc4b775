"""Sums over runs are those of the rows, whatever has happened to them (schema/derived/run_sums.sql)."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import pytest
from psycopg import AsyncConnection

from antiphon.projections.as_of.keyframes import carry
from antiphon.projections.engine.writer import connect
from tests.integration.projections.random_runs import flow_run, happen, insert

_LATE = (
    "greatest(0, 1000000 * coalesce(extract(epoch FROM start_time - expected_start_time), 0))::double precision AS late"
)
#: The runs in buckets, and the moment from which each of them grows.
_REGULAR = (
    f"(SELECT *, {_LATE}, CASE WHEN state_type = 'RUNNING' THEN state_timestamp"  # noqa: S608
    " WHEN state_type IN ('SCHEDULED', 'PENDING', 'PAUSED') AND start_time IS NULL"
    " THEN expected_start_time END AS grows"
    " FROM {run} WHERE {shown} AND NOT (state_type IS NOT DISTINCT FROM 'RUNNING'"
    " AND (start_time IS NULL OR state_timestamp > updated))) AS run"
)
_BUCKETS = (
    "SELECT series, start, state_type, state_name, count(*),"  # noqa: S608
    " sum((total_run_time * 1000000)::bigint)::float8,"
    " sum(late), count(grows), coalesce(sum(1000000 * extract(epoch FROM grows - start)), 0)::float8"
    f" FROM {_REGULAR},"
    " LATERAL (VALUES ('{run}_expected_hour', date_trunc('hour', expected_start_time, 'UTC')),"
    " ('{run}_expected_minute', date_trunc('minute', expected_start_time, 'UTC')),"
    " ('{run}_effective_hour', date_trunc('hour', coalesce(start_time, expected_start_time), 'UTC')),"
    " ('{run}_effective_minute', date_trunc('minute', coalesce(start_time, expected_start_time), 'UTC'))"
    ") AS bucket(series, start)"
    " WHERE start IS NOT NULL AND ({has_effective} OR series LIKE '%%expected%%') GROUP BY 1, 2, 3, 4"
)
_AGAIN = {
    "flow_run_count": "SELECT flow_id, state_type, state_name, deployment_id, work_queue_id, count(*), sum(late)"  # noqa: S608
    f" FROM (SELECT *, {_LATE} FROM flow_run) AS run GROUP BY 1, 2, 3, 4, 5",
    "task_run_count": "SELECT awaits_flow_run, state_type, state_name, count(*) FROM task_run GROUP BY 1, 2, 3",
    "run_bucket": _BUCKETS.format(run="flow_run", shown="true", has_effective="true")
    + " UNION ALL "
    + _BUCKETS.format(run="task_run", shown="NOT awaits_flow_run", has_effective="false"),
}


async def _require_sums_of_rows(connection: AsyncConnection[Any]) -> None:
    for table, again in _AGAIN.items():
        kept = await (await connection.execute(f"SELECT * FROM {table}".encode())).fetchall()  # noqa: S608
        counted = await (await connection.execute(again.encode())).fetchall()
        assert len(kept) > 5
        assert sorted(kept, key=str) == sorted(counted, key=str)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_sums_are_those_of_the_rows(postgres_url: str, seed: int) -> None:
    async with await connect(postgres_url) as writing:
        await happen(writing, seed)
        await _require_sums_of_rows(writing)


async def test_sums_follow_deletions_and_changes_of_many_rows(postgres_url: str) -> None:
    async with await connect(postgres_url) as writing:
        await happen(writing, seed=4)
        for table in ("flow_run", "task_run"):
            await writing.execute(f"DELETE FROM {table} WHERE name LIKE '%%7'".encode())  # noqa: S608
            await writing.execute(f"UPDATE {table} SET state_type = 'FAILED', total_run_time = 2".encode())  # noqa: S608
        await _require_sums_of_rows(writing)
        for table in ("flow_run", "task_run"):
            await writing.execute(f"DELETE FROM {table}".encode())  # noqa: S608
        for sums in _AGAIN:
            left = await writing.execute(f"SELECT FROM {sums}".encode())
            assert await left.fetchall() == []


async def test_a_sum_that_no_number_holds_exactly_stops_no_writer(postgres_url: str) -> None:
    chance = random.Random(5)  # noqa: S311
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    late = {"expected_start_time": first, "start_time": last, "state_type": "FAILED", "state_name": "Failed"}
    async with await connect(postgres_url) as writing:
        await carry(writing, 0)
        await insert(writing, "flow_run", [flow_run(chance, number) | late for number in range(40)])
        found = await writing.execute("SELECT runs, lateness FROM run_bucket")
        total = 40.0 * ((last - first).days * 86_400 + 86_399) * 1e6
        assert await found.fetchall() == [(40, pytest.approx(total))] * 4
        await writing.execute("DELETE FROM flow_run")
        assert await (await writing.execute("SELECT FROM run_bucket")).fetchall() == []
