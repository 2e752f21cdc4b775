"""A query that takes too long is ended by PostgreSQL and answered; nothing hangs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg

from antiphon.services.policy.main import run as run_policy
from antiphon.services.projector.main import run as run_projector
from tests.integration.gateway.house import Addresses, new_run, until_answer

PATHS = ("/flow_runs/count", "/flow_runs/filter", "/flow_runs/paginate", "/flow_runs/lateness")


@asynccontextmanager
async def nobody_reads_flow_runs(postgres_url: str) -> AsyncIterator[None]:
    """Every query on flow runs waits until the block ends, as one would that has too much to do."""
    async with await psycopg.AsyncConnection.connect(postgres_url) as connection:
        await connection.execute(
            "LOCK TABLE read_v1.flow_run, read_v1.flow_run_count, read_v1.run_bucket IN ACCESS EXCLUSIVE MODE"
        )
        yield
        await connection.rollback()


async def test_queries_that_take_too_long_are_answered_503_and_the_next_ones_are_not(addresses: Addresses) -> None:
    async with (
        addresses.running(run_policy, run_projector),
        addresses.gateway() as patient,
        addresses.gateway(query_timeout_seconds=0.2) as hasty,
    ):
        run_id = await new_run(patient)
        assert (await patient.get(f"/flow_runs/{run_id}")).status_code == 200
        async with nobody_reads_flow_runs(addresses.postgres_url):
            answers = {path: await hasty.post(path, json={}) for path in PATHS}
            answers["one"] = await hasty.get(f"/flow_runs/{run_id}")
            for path, answer in answers.items():
                assert answer.status_code == 503, path
                assert answer.json().keys() == {"exception_message"}, path
                assert "longer than it may" in answer.json()["exception_message"], path
            # Not ended: it waits until it can be answered.
            waiting = asyncio.create_task(patient.post("/flow_runs/count", json={}))
        assert (await waiting).json() == 1
        await until_answer(lambda: hasty.post("/flow_runs/filter", json={}), 200)
