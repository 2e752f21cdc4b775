"""The past at a position is what the read models were there: every row of every table, and every answer."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final, NamedTuple

import orjson
import psycopg
import pytest
from psycopg import AsyncConnection, sql

from events.document.events import DocumentCreated
from events.log.port import Recorded, Unreadable
from events.subjects import Aggregate
from projections import beside
from projections.dashboard import counts_by_state
from projections.event_reader import EventReader, stream_of
from projections.filters.criteria import Criteria
from projections.filters.objects import FlowFilter, FlowRunFilter
from projections.flow_run.queries import FLOW_RUNS, FlowRunSort
from projections.history import average_lateness, history
from projections.intervals import Intervals
from projections.keyframes import Keyframes
from projections.migrate import OBSERVED, SCHEMA
from projections.past import GoneError, Past
from projections.reading import encoded, give_json_verbatim
from projections.runner import Runner
from projections.task_run.queries import TASK_RUNS, TaskRunSort
from projections.writer import connect, parked_streams, position_of
from tests.examples import NOW
from tests.integration.projections.happenings import program
from tests.integration.projections.history import FACTS
from tests.integration.projections.test_as_of import ENDS, life
from tests.projection_scenario import TABLES, ProjectionScenario, Rows, rows_of

LIVES: Final = [*([*life(), *end] for end in ENDS), FACTS]
#: Small enough that every program crosses many.
EVERY: Final = 7
LENGTH: Final = 50
#: Of these there is nothing in a past: sums are counted anew, and nothing was observed.
WITHOUT_PAST: Final = {
    *("flow_run_count", "flow_run_period", "task_run_count", "task_run_period"),
    *("log", "worker", "poll", "checkpoint"),
}

Items = Sequence[Recorded | Unreadable]


async def answers(connection: AsyncConnection[Any]) -> list[Any]:
    """What a dashboard would show."""
    everything, of_flows = Criteria(), Criteria(flows=FlowFilter())
    named = Criteria(flow_runs=FlowRunFilter.model_validate({"name": {"like_": "N"}}))
    hours = Intervals.between(NOW - timedelta(hours=12), NOW + timedelta(hours=12), timedelta(minutes=90))
    found = [
        *[await FLOW_RUNS.count(connection, criteria) for criteria in (everything, of_flows, named)],
        *[await TASK_RUNS.count(connection, criteria) for criteria in (everything, of_flows)],
        await FLOW_RUNS.find(connection, of_flows, FlowRunSort.ID_DESC, 200, 0),
        await FLOW_RUNS.find(connection, named, FlowRunSort.ID_DESC, 200, 0),
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


async def park(item: object, why: str) -> None:
    assert why


async def runner_of(connection: AsyncConnection[Any], every: int = EVERY) -> Runner[Recorded | Unreadable]:
    """A writer who goes on where the last one was."""
    reader = EventReader(await parked_streams(connection), park)
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
    give_json_verbatim(asking)
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
        async with Past.beginning(postgres_url, first) as past:
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


@pytest.mark.parametrize("facts", LIVES)
async def test_invariant_01_the_past_is_what_the_read_models_were(
    projections: ProjectionScenario, facts: list[Any]
) -> None:
    items = projections.given(*facts).items()
    seen = await happen(projections.postgres_url, items)
    assert len(await require_seen(projections.postgres_url, items, seen)) > 1


@pytest.mark.parametrize("seed", range(2))
async def test_invariant_01_whatever_happened_and_whoever_was_broken_off(
    projections: ProjectionScenario, seed: int
) -> None:
    items = projections.given(*program(seed, LENGTH)).but_unreadable(*range(15 + seed, LENGTH, 11)).items()
    seen = await happen(projections.postgres_url, items, breaks_off=True)
    assert any(shown.rows["parked_aggregate"] for shown in seen.values())
    assert len(await require_seen(projections.postgres_url, items, seen)) > 3


async def test_invariant_01_the_past_is_the_same_after_a_rebuild(projections: ProjectionScenario) -> None:
    url, items = projections.postgres_url, projections.given(*program(9, LENGTH)).items()
    seen = await happen(url, items)
    async with Past.beginning(url, LENGTH // 2) as old, await connect(url, beside.NEXT) as connection:
        await old.advance(items[old.position : LENGTH // 2])
        async with old.reading(old.recorded_at):
            await beside.begin(connection, url, LENGTH)
            runner = await runner_of(connection, EVERY - 2)
            for start, end in pairwise(range(0, LENGTH + 2, 3)):
                await runner.advance(items[start:end])
            await beside.switch(connection)
        assert not await old.leads_to(LENGTH // 2)
        with pytest.raises(GoneError):
            async with old.reading(old.recorded_at):
                pass
        await beside.drop(connection, beside.OLD)
        with pytest.raises(GoneError):
            await old.advance(items[LENGTH // 2 :])
    keyframes = await require_seen(url, items, seen)
    assert keyframes <= set(range(0, LENGTH, 6))
    assert len(keyframes) > 3


async def test_what_waited_is_shown_from_the_keyframe_behind_its_replay_on(projections: ProjectionScenario) -> None:
    created = {"name": "flow", "tags": [], "labels": {}}
    facts = [(Aggregate("flow", f"{number:032x}"), DocumentCreated(data=created)) for number in range(1, 21)]
    happened = projections.given(*facts, (facts[2][0], DocumentCreated(data=created)))
    items = happened.but_unreadable(3).items()
    async with await connect(projections.postgres_url) as live:
        runner = await runner_of(live)
        await runner.advance(items[:10])
        stream = stream_of(items[2])
        await runner.rewrite(runner._reader.again(stream, happened.items()[2:3]))  # type: ignore[attr-defined]
        runner._reader.go_on(stream)  # type: ignore[attr-defined]
        for item in items[10:]:
            await runner.advance([item])
    for position, flows in ((9, 8), (10, 9), (16, 15), (17, 17), (20, 20), (21, 20)):
        async with Past.beginning(projections.postgres_url, position) as past:
            if past.position < position:
                await past.advance(items[past.position : position])
            async with past.reading(past.recorded_at) as connection:
                assert len((await rows(connection))["flow"]) == flows, position


async def test_what_happened_for_one_question_only_is_forgotten(projections: ProjectionScenario) -> None:
    items = projections.given(*life()).items()
    async with Past.beginning(projections.postgres_url) as past:
        before = await rows(past._connection)
        async with past.only(items) as connection:
            assert await FLOW_RUNS.count(connection, Criteria()) == 2
        assert await rows(past._connection) == before


async def test_a_past_cannot_write_to_what_is_not_its_own(projections: ProjectionScenario) -> None:
    async with Past.beginning(projections.postgres_url) as past:
        for table in ("flow_run", "checkpoint", "migration"):
            query = sql.SQL("DELETE FROM read_v1.{}").format(sql.Identifier(table))
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                await past._connection.execute(query)


async def test_every_table_has_a_past_or_is_hidden_and_keeps_all_its_columns(projections: ProjectionScenario) -> None:
    found = (
        "SELECT relname, ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0"
        " AND NOT attisdropped ORDER BY attnum) FROM pg_class AS c WHERE relkind IN ('r', 'v') AND relnamespace = "
    )
    async with Past.beginning(projections.postgres_url) as past:
        real: dict[str, list[str]] = {}
        for schema in (SCHEMA, OBSERVED):
            cursor = await past._connection.execute(f"{found} '{schema}'::regnamespace".encode())
            real |= dict(await cursor.fetchall())
        cursor = await past._connection.execute(f"{found} pg_my_temp_schema()".encode())
        hiding = dict(await cursor.fetchall())
    kept = {table: columns for table, columns in real.items() if table.endswith("_kept")}
    assert {table: columns for table, columns in real.items() if table not in kept} == {
        table: columns for table, columns in hiding.items() if table in real
    }
    assert {table: ["until", *real[table.removesuffix("_kept")]] for table in kept} == kept
    assert {table.removesuffix("_kept") for table in kept} == set(TABLES) - WITHOUT_PAST - {"flow_run_name"}
