"""Given / when / then for projections: events that happened, and the rows they lead to, on a real database.

Events are cut into batches in several ways, every batch comes twice, and at the end all of them come again from the
beginning: the rows must be the same each time.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson
from psycopg import AsyncConnection, sql

from antiphon.events import subjects
from antiphon.events.log.port import Recorded, Unreadable
from antiphon.events.message import Event, Metadata
from antiphon.events.subjects import Aggregate
from antiphon.projections.as_of.keyframes import Keyframes
from antiphon.projections.engine.event_reader import EventReader
from antiphon.projections.engine.parked_streams import parked_positions
from antiphon.projections.engine.runner import Runner
from antiphon.projections.engine.writer import connect, position_of, write
from antiphon.projections.log.projection import project as project_log_lines
from tests.examples import COMMAND_ID, NOW

TABLES: Final = (
    "flow",
    "deployment",
    "flow_run",
    "flow_run_state",
    "flow_run_count",
    "run_bucket",
    "flow_run_name",
    "flow_run_tag",
    "task_run",
    "task_run_state",
    "task_run_count",
    "task_run_tag",
    "flow_run_input",
    "variable",
    "artifact",
    "artifact_collection",
    "concurrency_limit",
    "concurrency_lease",
    "log",
    "work_pool",
    "work_queue",
    "worker",
    "poll",
    "parked_aggregate",
    "checkpoint",
)
_RANDOM_CUTS: Final = 3

Rows = dict[str, list[dict[str, Any]]]
Cuts = tuple[int, ...]


class Fact(NamedTuple):
    """Something that happened to something."""

    aggregate: Aggregate
    event: Event


def recorded(facts: Sequence[Fact]) -> list[Recorded]:
    """The facts as they stand in the log, a second after each other."""
    return [
        Recorded(
            position,
            aggregate,
            event,
            Metadata(command_id=COMMAND_ID, occurred_at=NOW + timedelta(seconds=position)),
            NOW + timedelta(seconds=position),
        )
        for position, (aggregate, event) in enumerate(facts, 1)
    ]


def log_lines(*lines: dict[str, Any]) -> bytes:
    """A message on OBSERVED."""
    usual = {"name": "logger", "level": 20, "message": "text", "flow_run_id": None, "task_run_id": None}
    return orjson.dumps(
        [{**usual, "created": NOW, "timestamp": NOW, "id": UUID(int=n), **line} for n, line in enumerate(lines, 1)]
    )


async def rows_of(connection: AsyncConnection[Any]) -> Rows:
    """Every row of every table, in one order; not under which keyframe it was written."""
    parts = [
        sql.SQL("SELECT {}, to_jsonb(t) - 'since' FROM {} AS t").format(sql.Literal(table), sql.Identifier(table))
        for table in TABLES
    ]
    found: Rows = {table: [] for table in TABLES}
    for table, row in await (
        await connection.execute(sql.SQL(" UNION ALL ").join(parts) + sql.SQL(" ORDER BY 1, 2"))
    ).fetchall():
        found[table].append(row)
    return found


async def empty(connection: AsyncConnection[Any]) -> None:
    """Take every row out of every table."""
    tables = sql.SQL(", ").join(map(sql.Identifier, TABLES))
    await connection.execute(sql.SQL("TRUNCATE {}").format(tables))


@dataclass(frozen=True)
class Shown:
    """The rows at the end."""

    rows: Rows

    @property
    def parked(self) -> set[int]:
        """The positions of the events that are parked, without those that wait behind them."""
        return {row["position"] for row in self.rows["parked_aggregate"]}

    def then(self, table: str, *expected: dict[str, Any]) -> Shown:
        """The table has these rows, in the order of their ids, of which the named columns are compared."""
        found = self.rows[table]
        assert len(found) == len(expected), found
        for row, wanted in zip(found, expected, strict=True):
            assert {name: row[name] for name in wanted} == wanted
        return self

    def then_nothing(self, *tables: str) -> Shown:
        """The tables are empty."""
        assert {table: self.rows[table] for table in tables} == {table: [] for table in tables}
        return self


@dataclass(frozen=True)
class ProjectionScenario:
    """A migrated database, what was in it before, and the facts so far."""

    postgres_url: str
    facts: tuple[Fact, ...] = ()
    observed: tuple[bytes, ...] = ()
    unreadable: frozenset[int] = frozenset()

    def with_log_lines(self, *lines: dict[str, Any]) -> ProjectionScenario:
        """These log lines were projected before."""
        return replace(self, observed=(*self.observed, log_lines(*lines)))

    def given(self, *facts: tuple[Aggregate, Event]) -> ProjectionScenario:
        """These happened."""
        return replace(self, facts=(*self.facts, *(Fact(*fact) for fact in facts)))

    def but_unreadable(self, *positions: int) -> ProjectionScenario:
        """What stands at these positions, from 1, cannot be decoded."""
        return replace(self, unreadable=self.unreadable | set(positions))

    async def when(self, *facts: tuple[Aggregate, Event], times: int = 2, cuts: Iterable[Cuts] | None = None) -> Shown:
        """These happen as well, and everything is projected, in each way of cutting it into batches."""
        scenario = self.given(*facts)
        items = scenario.items()
        results = []
        async with await connect(self.postgres_url) as connection:
            for borders in _ways(len(items)) if cuts is None else cuts:
                await empty(connection)
                results.append(await scenario._projected(connection, items, borders, times))
        for result in results[1:]:
            assert result == results[0]
        return results[0]

    def items(self) -> list[Recorded | Unreadable]:
        """The facts as the log hands them out."""
        return [
            Unreadable(item.position, subjects.event(item.aggregate, "what"), {}, b"?", "unreadable")
            if item.position in self.unreadable
            else item
            for item in recorded(self.facts)
        ]

    async def _projected(
        self, connection: AsyncConnection[Any], items: Sequence[Recorded | Unreadable], borders: Cuts, times: int
    ) -> Shown:
        for position, body in enumerate(self.observed, 1):
            await write(connection, project_log_lines(body), "observed", position)

        async def runner_at(position: int) -> Runner[Recorded | Unreadable]:
            reader = EventReader(await parked_positions(connection))
            return Runner(connection, "events", reader, position, keyframes=Keyframes(connection))

        for start, end in pairwise((0, *borders, len(items))):
            runner = await runner_at(start)
            for _ in range(times):
                await runner.advance(items[start:end])
        before = await rows_of(connection)
        # Another process begins where the checkpoint is: all that is behind it changes nothing.
        runner = await runner_at(await position_of(connection, "events"))
        await runner.advance(items)
        assert await rows_of(connection) == before
        return Shown(before)


def _ways(count: int) -> Iterator[Cuts]:
    yield tuple(range(1, count))
    yield ()
    shuffled = random.Random(count)  # noqa: S311  to be the same in every run
    for _ in range(_RANDOM_CUTS if count > 2 else 0):
        yield tuple(sorted(shuffled.sample(range(1, count), shuffled.randint(1, count - 2))))
