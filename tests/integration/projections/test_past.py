"""The past at a position is what the read models were there: every row of every table, and every answer."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
import psycopg
import pytest
from psycopg import AsyncConnection, sql

from events.log.port import Recorded, Unreadable
from projections.dashboard import counts_by_state
from projections.event_reader import EventReader
from projections.filters.criteria import Criteria
from projections.filters.objects import FlowFilter
from projections.flow_run.queries import FLOW_RUNS, FlowRunSort
from projections.history import average_lateness, history
from projections.intervals import Intervals
from projections.past import Past
from projections.reading import encoded, give_json_verbatim
from projections.runner import Runner
from projections.task_run.queries import TASK_RUNS, TaskRunSort
from projections.writer import connect
from tests.examples import NOW
from tests.integration.projections.history import FACTS
from tests.integration.projections.test_as_of import ENDS, life
from tests.projection_scenario import ProjectionScenario, Rows, rows_of

LIVES: Final = [*([*life(), *end] for end in ENDS), FACTS]


async def answers(connection: AsyncConnection[Any]) -> list[Any]:
    """What a dashboard would show."""
    everything, of_flows = Criteria(), Criteria(flows=FlowFilter())
    hours = Intervals.between(NOW - timedelta(hours=12), NOW + timedelta(hours=12), timedelta(minutes=90))
    return [
        *[await FLOW_RUNS.count(connection, criteria) for criteria in (everything, of_flows)],
        *[await TASK_RUNS.count(connection, criteria) for criteria in (everything, of_flows)],
        await FLOW_RUNS.find(connection, of_flows, FlowRunSort.ID_DESC, 200, 0),
        await TASK_RUNS.find(connection, everything, TaskRunSort.ID_DESC, 200, 0),
        *[await history(connection, "flow_run", criteria, hours) for criteria in (everything, of_flows)],
        *[await history(connection, "task_run", criteria, hours) for criteria in (everything, of_flows)],
        *[await average_lateness(connection, criteria) for criteria in (everything, of_flows)],
        await counts_by_state(connection, everything),
    ]


async def rows(past: Past) -> Rows:
    """Every row of every table, as JSON whatever the session makes of it."""
    found: Rows = orjson.loads(encoded(await rows_of(past._connection)))
    return found


class Present:
    """The real tables, asked about a moment that stands still."""

    def __init__(self, connection: AsyncConnection[Any]) -> None:
        self._connection = connection

    async def answers(self, moment: datetime) -> list[Any]:
        async with self._connection.transaction():
            await self._connection.execute("SELECT set_config('antiphon.moment', %s, true)", (moment.isoformat(),))
            return await answers(self._connection)


@pytest.mark.parametrize("facts", LIVES)
async def test_invariant_01_the_past_is_what_the_read_models_were(
    projections: ProjectionScenario, facts: list[Any]
) -> None:
    items = projections.given(*facts).items()

    async def park(item: object, why: str) -> None:
        raise AssertionError(f"{item} was parked: {why}")

    seen: list[Any] = []
    async with await connect(projections.postgres_url) as live, await connect(projections.postgres_url) as asking:
        await asking.execute("SET search_path TO read_v1, pg_catalog")
        give_json_verbatim(asking)
        runner: Runner[Recorded | Unreadable] = Runner(live, "events", EventReader({}, park), 0)
        present = Present(asking)
        for item in items:
            await runner.advance([item])
            seen.append((await rows_of(live), await present.answers(item.recorded_at or NOW)))
        # In steps of any size; the real tables are at the end all the time, and stay there.
        async with Past.beginning(projections.postgres_url) as past:
            while past.position < len(items):
                size = random.Random(past.position).randint(1, 4)  # noqa: S311  to be the same in every run
                await past.advance(items[past.position : past.position + size])
                expected, told = seen[past.position - 1]
                assert await rows(past) == expected
                async with past.reading(past.recorded_at) as connection:
                    assert await answers(connection) == told
        assert await rows_of(live) == seen[-1][0]


async def test_what_happened_for_one_question_only_is_forgotten(projections: ProjectionScenario) -> None:
    items = projections.given(*life()).items()
    async with Past.beginning(projections.postgres_url) as past:
        before = await rows(past)
        async with past.only(items) as connection:
            assert await FLOW_RUNS.count(connection, Criteria()) == 2
        assert await rows(past) == before


async def test_a_past_cannot_write_to_what_is_not_its_own(projections: ProjectionScenario) -> None:
    async with Past.beginning(projections.postgres_url) as past:
        for table in ("flow_run", "checkpoint", "migration"):
            query = sql.SQL("DELETE FROM read_v1.{}").format(sql.Identifier(table))
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                await past._connection.execute(query)
