"""Flow runs and task runs to which things happen at random, written to their tables."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from antiphon.projections.as_of.keyframes import carry

NOW = datetime.now(UTC).replace(microsecond=0)
STATES = ("SCHEDULED", "PENDING", "RUNNING", "PAUSED", "COMPLETED", "FAILED", "CRASHED", None)

#: Where minutes, hours, days and a year end, and the middle of a minute.
YEAR_END = datetime(2024, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
EDGES = [
    YEAR_END - timedelta(hours=hours, microseconds=microseconds)
    for hours in (0, 1, 11, 12, 24)
    for microseconds in (-1, 0, 1, 29_999_999, 30_000_000, 59_999_999)
]


def progress(chance: random.Random) -> dict[str, Any]:
    """What transitions change, at random: also clocks that are wrong."""
    expected = NOW + timedelta(minutes=chance.randrange(-600, 60), milliseconds=chance.randrange(90_000))
    if chance.random() < 0.2:
        expected = chance.choice(EDGES)
    kind = chance.choice(STATES)
    return {
        "state_type": kind,
        "state_name": None if kind is None else chance.choice((kind.title(), "Odd", "x" * 9_000)),
        "state_timestamp": expected + timedelta(seconds=chance.randrange(-90, 7_200)),
        "expected_start_time": expected if chance.random() < 0.9 else None,
        "start_time": expected + timedelta(seconds=chance.uniform(-60, 600)) if chance.random() < 0.5 else None,
        "total_run_time": chance.choice((0.0, 1.5, 1e-06, 123_456.789012)),
    }


def flow_run(chance: random.Random, number: int) -> dict[str, Any]:
    given = {"id": UUID(int=number), "name": f"run-{number}", "flow_id": UUID(int=chance.randrange(3)), "tags": []}
    given |= {"deployment_id": chance.choice((None, UUID(int=7))), "work_queue_id": chance.choice((None, UUID(int=8)))}
    empty = dict.fromkeys(("labels", "parameters", "context", "empirical_policy"), "{}")
    return given | empty | {"created": NOW, "updated": NOW, "auto_scheduled": False} | progress(chance)


def task_run(chance: random.Random, number: int) -> dict[str, Any]:
    given = {"id": UUID(int=number), "name": f"task-{number}", "task_key": "k", "dynamic_key": str(number), "tags": []}
    given |= {
        "flow_run_id": None,
        "awaits_flow_run": chance.random() < 0.2,
        "empirical_policy": "{}",
        "task_inputs": "{}",
    }
    return given | {"created": NOW, "updated": NOW} | progress(chance)


async def insert(connection: AsyncConnection[Any], table: str, rows: list[dict[str, Any]]) -> None:
    values = ", ".join("(" + ", ".join(f"%({name}_{n})s" for name in row) + ")" for n, row in enumerate(rows))
    query = f"INSERT INTO {table} ({', '.join(rows[0])}) VALUES {values}"  # noqa: S608
    given = {f"{name}_{n}": value for n, row in enumerate(rows) for name, value in row.items()}
    await connection.execute(query.encode(), given)


async def happen(connection: AsyncConnection[Any], seed: int) -> None:
    """Runs come, change by the handful, are shown, and go."""
    await carry(connection, 0)
    chance = random.Random(seed)  # noqa: S311  to be the same in every run
    for start in range(1, 301, 25):
        numbers = range(start, start + 25)
        await insert(connection, "flow_run", [flow_run(chance, number) for number in numbers])
        await insert(connection, "task_run", [task_run(chance, number) for number in numbers])
        for table in ("flow_run", "task_run"):
            ids = [UUID(int=chance.randrange(1, start + 25)) for _ in range(8)]
            moving = progress(chance)
            settings = ", ".join(f"{name} = %({name})s" for name in moving)
            moved = f"UPDATE {table} SET {settings} WHERE id = ANY (%(ids)s)"  # noqa: S608
            await connection.execute(moved.encode(), moving | {"ids": ids})
            gone = f"DELETE FROM {table} WHERE id = ANY (%(ids)s)"  # noqa: S608
            await connection.execute(gone.encode(), {"ids": ids[:2]})
        await connection.execute("UPDATE task_run SET awaits_flow_run = false WHERE id < %s", (UUID(int=start),))
    for number in range(3):
        flow = {"id": UUID(int=number), "created": NOW, "updated": NOW, "name": f"flow-{number}", "tags": ["t"]}
        await insert(connection, "flow", [flow])
