"""Sums over runs are those of the rows, whatever has happened to them (schema/derived/run_sums.sql)."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import pytest
from psycopg import AsyncConnection

from antiphon.projections.as_of.keyframes import carry
from antiphon.projections.core.migrate import migrate
from antiphon.projections.engine.writer import connect
from tests.integration.projections.random_runs import flow_run, happen, insert

_PERIODS = (
    "SELECT series, date_trunc(length, moment, 'UTC'), {names}, count(*), sum(run_time), sum(lateness),"
    " (SELECT string_agg(int8send(n) || int8send(run_time) || int8send(lateness), '' ORDER BY number) FROM ("
    "SELECT number, count(one), coalesce(sum((one -> 1)::bigint), 0)::bigint,"
    " coalesce(sum((one -> 2)::bigint), 0)::bigint"
    " FROM generate_series(0, CASE length WHEN 'day' THEN 23 ELSE 59 END) AS number"
    " LEFT JOIN jsonb_array_elements(jsonb_agg(ARRAY[part, run_time, lateness])) AS one ON number = (one -> 0)::bigint"
    " GROUP BY 1) AS part(number, n, run_time, lateness))"
    " FROM (SELECT {names}, series, length, moment, date_part(part, moment AT TIME ZONE 'UTC')::bigint AS part,"
    " CASE WHEN series < 4 THEN (run_time_of(total_run_time) * 1000000)::bigint"
    " WHEN state_type = 'RUNNING' THEN (extract(epoch FROM state_timestamp - start) * 1000000)::bigint"
    " ELSE 0 END AS run_time,"
    " CASE WHEN series < 4 THEN (lateness_of(start_time, expected_start_time) * 1000000)::bigint"
    " WHEN state_type <> 'RUNNING' THEN (extract(epoch FROM expected_start_time - start) * 1000000)::bigint"
    " ELSE 0 END AS lateness"
    " FROM {table}, LATERAL (VALUES {values},"
    " (4, 'hour', 'minute', CASE WHEN {grows} THEN expected_start_time END),"
    " (5, 'day', 'hour', CASE WHEN {grows} THEN expected_start_time END)) AS p(series, length, part, moment),"
    " LATERAL date_trunc(length, moment, 'UTC') AS start) AS run"
    " WHERE moment IS NOT NULL GROUP BY {numbers}, length"
)
_GROWS = (
    "(state_type = 'RUNNING' AND start_time IS NOT NULL AND state_timestamp <= updated"
    " OR state_type IN ('SCHEDULED', 'PENDING', 'PAUSED') AND start_time IS NULL)"
)
_AGAIN = {
    "flow_run_count": "SELECT flow_id, state_type, state_name, deployment_id, work_queue_id, count(*),"
    " sum(lateness_of(start_time, expected_start_time)) FROM flow_run GROUP BY 1, 2, 3, 4, 5",
    "flow_run_period": _PERIODS.format(
        names="state_type, state_name",
        table="flow_run",
        numbers="1, 2, 3, 4",
        grows=_GROWS,
        values="(1, 'hour', 'minute', expected_start_time), (2, 'day', 'hour', expected_start_time),"
        " (3, 'hour', 'minute', coalesce(start_time, expected_start_time))",
    ),
    "task_run_count": "SELECT state_type, state_name, awaits_flow_run, count(*) FROM task_run GROUP BY 1, 2, 3",
    "task_run_period": _PERIODS.format(
        names="state_type, state_name, awaits_flow_run",
        table="task_run",
        numbers="1, 2, 3, 4, 5",
        grows=_GROWS,
        values="(1, 'hour', 'minute', expected_start_time), (2, 'day', 'hour', expected_start_time)",
    ),
}


_PARTS = "runs, run_time, lateness, substring(all_parts(parts) FOR 24 * CASE WHEN series IN (2, 5) THEN 24 ELSE 60 END)"
_KEPT = {
    "flow_run_period": f"series, start, state_type, state_name, {_PARTS}",
    "task_run_period": f"series, start, state_type, state_name, awaits_flow_run, {_PARTS}",
}


async def _require_sums_of_rows(connection: AsyncConnection[Any]) -> None:
    for table, again in _AGAIN.items():
        kept = await (await connection.execute(f"SELECT {_KEPT.get(table, '*')} FROM {table}".encode())).fetchall()  # noqa: S608
        counted = await (await connection.execute(again.encode())).fetchall()
        assert len(kept) > 5
        assert sorted(kept, key=str) == sorted(counted, key=str)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_sums_are_those_of_the_rows(postgres_url: str, seed: int) -> None:
    async with await connect(postgres_url) as writing:
        await happen(writing, seed)
        await _require_sums_of_rows(writing)


async def test_sums_follow_deletions_and_changes_of_many_rows(postgres_url: str) -> None:
    await migrate(postgres_url)
    async with await connect(postgres_url) as writing:
        await happen(writing, seed=4)
        for table in ("flow_run", "task_run"):
            await writing.execute(f"DELETE FROM {table} WHERE name LIKE '%%7'".encode())  # noqa: S608
            await writing.execute(f"UPDATE {table} SET state_type = 'FAILED', total_run_time = 2".encode())  # noqa: S608
        await _require_sums_of_rows(writing)
        for table in ("flow_run", "task_run"):
            await writing.execute(f"DELETE FROM {table}".encode())  # noqa: S608
            left = await writing.execute(f"SELECT FROM {table}_period".encode())
            assert await left.fetchall() == []


async def test_a_sum_that_no_number_holds_stops_nobody(postgres_url: str) -> None:
    chance = random.Random(5)  # noqa: S311
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    late = {"expected_start_time": first, "start_time": last, "state_type": "FAILED", "state_name": "Failed"}
    async with await connect(postgres_url) as writing:
        await carry(writing, 0)
        await insert(writing, "flow_run", [flow_run(chance, number) | late for number in range(40)])
        sums = "SELECT runs, lateness, number_at(all_parts(parts), 0) FROM flow_run_period WHERE series < 3"
        bound = 4 * 10**18
        assert await (await writing.execute(sums.encode())).fetchall() == [(40, bound, 40)] * 2
        await writing.execute("DELETE FROM flow_run")
        assert await (await writing.execute(sums.encode())).fetchall() == []
