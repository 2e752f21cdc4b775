"""What each table of sums and each index costs a write: PostgreSQL's work with it, less that without it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, Final
from uuid import UUID

import psutil
import psycopg
from psycopg import AsyncConnection

from antiphon.events.log.port import Recorded
from antiphon.projections.as_of.keyframes import carry
from antiphon.projections.core.migrate import SCHEMA, migrate
from antiphon.projections.engine.projection import NAME, project
from antiphon.projections.engine.writer import connect, write
from antiphon.services.cli.demo.flows import HABITS, Origin
from antiphon.services.cli.demo.runs import Runs
from antiphon.services.runtime.embedded.postgres import PostgresServer

#: Runs that are there before anything is measured.
_PRESENT: Final = 20_000
_MEASURED: Final = 1_000
_LARGE: Final = 400
_INDEXES: Final = (
    "flow_run_expected_start",
    "flow_run_effective_start",
    "flow_run_state_type",
    "flow_run_waiting",
    "flow_run_irregular",
    "flow_run_next_scheduled",
    "flow_run_deployment",
    "flow_run_flow",
    "flow_run_end",
    "flow_run_named",
    "flow_run_version",
    "flow_run_unusual_state",
    "flow_run_name_parts",
)
_NOW: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Cost:
    """Microseconds of PostgreSQL's CPU time for each event."""

    #: One event in a transaction, as when little happens.
    alone: float
    #: Many in a transaction, as under load.
    together: float

    def less(self, other: Cost) -> Cost:
        """What this is more than another."""
        return Cost(self.alone - other.alone, self.together - other.together)


def measure_writes(directory: Path) -> dict[str, Cost]:
    """The cost of an event with everything, and what is saved without each thing, by its name."""
    with PostgresServer(directory) as server:
        asyncio.run(_fill(server.create_database("full")))
        whole = _measured(server, "")
        found = {"everything": whole}
        for name, statement in _variants(server).items():
            found[name] = whole.less(_measured(server, statement))
        return found


def _variants(server: PostgresServer) -> dict[str, str]:
    with psycopg.connect(server.url_of("full")) as connection:
        row = connection.execute(f"SELECT pg_get_functiondef('{SCHEMA}.add_flow_runs'::regproc)".encode()).fetchone()
    assert row is not None
    body = str(row[0])

    def without(statement: str) -> str:
        left, count = re.subn(rf"{statement}.*?;\n", "", body, flags=re.DOTALL)
        assert count == 1
        return left

    sums = {
        "sums in flow_run_count": without("MERGE INTO flow_run_count "),
        "sums in run_bucket": without("PERFORM add_to_buckets"),
    }
    both = {"sums, both with their triggers": "ALTER TABLE flow_run DISABLE TRIGGER USER"}
    keyframes = {"keyframes": " ".join(map(_without_versions, ("flow_run", "flow_run_state", "artifact")))}
    apart = {
        "names, kept apart": "DROP TRIGGER flow_run_named ON flow_run",
        "tags, kept apart": "DROP TRIGGER flow_run_tagged ON flow_run",
    }
    return sums | both | keyframes | apart | {f"index {name}": f"DROP INDEX {name}" for name in _INDEXES}


def _without_versions(table: str) -> str:
    return f"DROP TRIGGER {table}_keeps ON {table}; ALTER TABLE {table} DROP COLUMN since;"


def _measured(server: PostgresServer, statement: str) -> Cost:
    """The least of three: other programs only ever add to it."""
    costs = [asyncio.run(_measure(server, statement, size)) for size in (1, _LARGE) for _ in range(3)]
    return Cost(min(costs[:3]), min(costs[3:]))


async def _measure(server: PostgresServer, statement: str, size: int) -> float:
    server.drop_database("measured")
    async with await AsyncConnection.connect(server.url_of("postgres"), autocommit=True) as owner:
        await owner.execute("CREATE DATABASE measured TEMPLATE full")
    async with await connect(server.url_of("measured")) as connection:
        await carry(connection, 0)
        if statement:
            await connection.execute(statement.encode(), prepare=False)
        # The events of many runs at once take turns, as they do in a log.
        lives = list(_lives(_MEASURED, seed=2))
        events = [life[step] for step in range(5) for life in lives if step < len(life)]
        await _write(connection, events[: 2 * size], 1, size)
        process = psutil.Process(connection.info.backend_pid)
        before = process.cpu_times()
        await _write(connection, events[2 * size :], 2 * size + 1, size)
        after = process.cpu_times()
    used = after.user + after.system - before.user - before.system
    return used / (len(events) - 2 * size) * 1e6


async def _fill(url: str) -> None:
    await migrate(url)
    async with await connect(url) as connection:
        await carry(connection, 0)
        events = [event for life in _lives(_PRESENT, seed=1) for event in life]
        await _write(connection, events, 1, _LARGE)
        await connection.execute("DELETE FROM checkpoint")
        await connection.execute("VACUUM (ANALYZE)")


async def _write(connection: AsyncConnection[Any], events: Sequence[Recorded], first: int, size: int) -> None:
    for start in range(0, len(events), size):
        batch = events[start : start + size]
        changes = [change for event in batch for change in project(event)]
        await write(connection, changes, NAME, first + start)


def _lives(count: int, seed: int) -> Iterator[list[Recorded]]:
    origins = [Origin(habit, UUID(int=number), UUID(int=number)) for number, habit in enumerate(HABITS)]
    runs = Runs(origins, _NOW, count, Random(seed))  # noqa: S311  to be the same for everything that is measured
    for number in range(count):
        yield [
            Recorded(number, draft.aggregate, draft.event, draft.metadata, draft.metadata.occurred_at)
            for draft in runs.make(number)
        ]
