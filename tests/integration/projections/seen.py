"""What the read models showed at each event, which pasts are compared with."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import orjson
import pytest
from psycopg import AsyncConnection

from antiphon.events.log.port import Recorded, Unreadable
from antiphon.projections.as_of.as_of_session import AsOfSession
from antiphon.projections.as_of.keyframes import Keyframes
from antiphon.projections.core.reading import encoded, load_json_verbatim
from antiphon.projections.dashboard import counts_by_state
from antiphon.projections.engine.event_reader import EventReader
from antiphon.projections.engine.parked_streams import parked_positions
from antiphon.projections.engine.runner import Runner
from antiphon.projections.engine.writer import connect, position_of
from antiphon.projections.filters.criteria import Criteria
from antiphon.projections.filters.objects import FlowFilter, FlowRunFilter
from antiphon.projections.flow_run.queries import FLOW_RUNS, FlowRunSort
from antiphon.projections.sums.history import history
from antiphon.projections.sums.intervals import Intervals
from antiphon.projections.sums.windows import average_lateness
from antiphon.projections.task_run.queries import TASK_RUNS, TaskRunSort
from tests.examples import NOW
from tests.projection_scenario import Rows, rows_of

#: Small enough that every program crosses many.
EVERY: Final = 7
#: Of these there is nothing in a past: sums are counted anew, and nothing was observed.
WITHOUT_PAST: Final = {
    *("flow_run_count", "run_bucket", "task_run_count"),
    *("flow_run_tag", "task_run_tag"),
    *("log", "worker", "poll", "checkpoint"),
}

Items = Sequence[Recorded | Unreadable]


async def answers(connection: AsyncConnection[Any]) -> list[Any]:
    """What a dashboard would show."""
    everything, of_flows = Criteria(), Criteria(flows=FlowFilter())
    named = Criteria(flow_runs=FlowRunFilter.model_validate({"name": {"like_": "N"}}))
    one_tag, any_tag, states = (
        Criteria(flow_runs=FlowRunFilter.model_validate(asked))
        for asked in (
            {"tags": {"all_": ["a"]}},
            {"tags": {"any_": ["b", "t0", "t1"]}},
            {"state": {"type": {"any_": ["COMPLETED", "RUNNING", "SCHEDULED"]}}},
        )
    )
    hours = Intervals.between(NOW - timedelta(hours=12), NOW + timedelta(hours=12), timedelta(minutes=90))
    found = [
        *[await FLOW_RUNS.count(connection, criteria) for criteria in (everything, of_flows, named, one_tag)],
        *[await TASK_RUNS.count(connection, criteria) for criteria in (everything, of_flows)],
        await FLOW_RUNS.find(connection, of_flows, FlowRunSort.ID_DESC, 200, 0),
        *[
            await FLOW_RUNS.find(connection, criteria, FlowRunSort.ID_DESC, 200, 0)
            for criteria in (named, one_tag, any_tag, states)
        ],
        await TASK_RUNS.find(connection, everything, TaskRunSort.ID_DESC, 200, 0),
        *[await history(connection, "flow_run", criteria, hours) for criteria in (everything, of_flows)],
        *[await history(connection, "task_run", criteria, hours) for criteria in (everything, of_flows)],
        *[await average_lateness(connection, criteria) for criteria in (everything, of_flows)],
        await counts_by_state(connection, everything),
    ]
    return [orjson.loads(answer) if isinstance(answer, bytes) else answer for answer in found]


def require_same(told: Any, expected: Any) -> None:
    """Equal; sums may have been added up in another order."""
    if isinstance(expected, dict):
        assert told.keys() == expected.keys()
        for name, value in expected.items():
            require_same(told[name], value)
    elif isinstance(expected, list):
        assert len(told) == len(expected)
        for one, other in zip(told, expected, strict=True):
            require_same(one, other)
    else:
        assert told == (pytest.approx(expected) if isinstance(expected, float) else expected)


async def rows(connection: AsyncConnection[Any]) -> Rows:
    """Every row of every table that has a past, as JSON whatever the session makes of it."""
    found: Rows = orjson.loads(encoded(await rows_of(connection)))
    return {table: shown for table, shown in found.items() if table not in WITHOUT_PAST}


class Shown(NamedTuple):
    """What the read models showed when they had come to an event."""

    rows: Rows
    answers: list[Any]


async def runner_of(connection: AsyncConnection[Any], every: int = EVERY) -> Runner[Recorded | Unreadable]:
    """A writer who goes on where the last one was."""
    reader = EventReader(await parked_positions(connection))
    after = await position_of(connection, "events")
    return Runner(connection, "events", reader, after, keyframes=Keyframes(connection, every))


def moment_of(item: Recorded | Unreadable) -> datetime:
    """When it was recorded, also where nobody knows."""
    return NOW + timedelta(seconds=item.position)


async def shown_now(live: AsyncConnection[Any], asking: AsyncConnection[Any], moment: datetime) -> Shown:
    """The real tables, asked about a moment that stands still."""
    async with asking.transaction():
        await asking.execute("SELECT set_config('antiphon.moment', %s, true)", (moment.isoformat(),))
        told = await answers(asking)
    return Shown(orjson.loads(encoded(await rows(live))), told)


async def asking_connection(postgres_url: str) -> AsyncConnection[Any]:
    """A connection that finds our clock before that of PostgreSQL."""
    asking = await connect(postgres_url)
    await asking.execute("SET search_path TO read_v1, pg_catalog")
    load_json_verbatim(asking)
    return asking


async def happen(postgres_url: str, items: Items, *, breaks_off: bool = False) -> dict[int, Shown]:
    """Project events one by one, and see what is shown at each; every now and then a writer ends in a transaction."""
    seen: dict[int, Shown] = {}
    chance = random.Random(len(items))  # noqa: S311  to be the same in every run
    async with await asking_connection(postgres_url) as asking:
        live = await connect(postgres_url)
        runner = await runner_of(live)
        for item in items:
            if breaks_off and chance.random() < 0.2:
                async with live.transaction(force_rollback=True):
                    await runner.advance(items[item.position - 1 : item.position + 9])
                if chance.random() < 0.5:
                    await live.close()
                    live = await connect(postgres_url)
                runner = await runner_of(live)
            await runner.advance([item])
            seen[item.position] = await shown_now(live, asking, moment_of(item))
        await live.close()
    return seen


async def require_seen(postgres_url: str, items: Items, seen: dict[int, Shown], *, steps: int = 6) -> set[int]:
    """The past at each position is what was seen there; some are gone on with. Returns the keyframes it began at."""
    chance = random.Random(len(seen))  # noqa: S311
    positions, keyframes = sorted(seen), set()
    while positions:
        first = chance.choice(positions)
        async with AsOfSession.beginning(postgres_url, first) as past:
            keyframes.add(past.position)
            for position in (at for at in positions[positions.index(first) :][:steps]):
                if not await past.leads_to(position):
                    break
                if past.position < position:
                    await past.advance(items[past.position : position])
                assert past.position == position
                assert past.recorded_at == (items[position - 1].recorded_at or past.recorded_at)
                async with past.reading(moment_of(items[position - 1])) as connection:
                    assert await rows(connection) == seen[position].rows, position
                    require_same(await answers(connection), seen[position].answers)
                positions.remove(position)
    return keyframes
