"""The past at a position is what the read models were there: every row of every table, and every answer."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any, Final

import psycopg
import pytest
from psycopg import sql

from antiphon.events.document.events import DocumentCreated
from antiphon.events.subjects import Aggregate
from antiphon.projections.as_of.as_of_session import AsOfSession, GoneError
from antiphon.projections.as_of.keyframes import carry
from antiphon.projections.core.migrate import OBSERVED, SCHEMA
from antiphon.projections.engine.event_reader import stream_of
from antiphon.projections.engine.writer import connect
from antiphon.projections.filters.criteria import Criteria
from antiphon.projections.flow_run.queries import FLOW_RUNS
from antiphon.projections.rebuild import shadow_schema
from tests.integration.projections.happenings import program
from tests.integration.projections.history import FACTS
from tests.integration.projections.seen import (
    EVERY,
    WITHOUT_PAST,
    answers,
    happen,
    moment_of,
    require_same,
    require_seen,
    rows,
    runner_of,
)
from tests.integration.projections.test_as_of import ENDS, life
from tests.projection_scenario import TABLES, ProjectionScenario

LIVES: Final = [*([*life(), *end] for end in ENDS), FACTS]
LENGTH: Final = 42


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
    url, items, half = projections.postgres_url, projections.given(*program(9, LENGTH)).items(), EVERY * 3 + 2
    seen = await happen(url, items)
    async with AsOfSession.beginning(url, half) as old, await connect(url, shadow_schema.NEXT) as connection:
        await old.advance(items[old.position : half])
        async with old.reading(old.recorded_at):
            await shadow_schema.begin(connection, url, LENGTH)
            runner = await runner_of(connection, EVERY - 2)
            for start, end in pairwise(range(0, LENGTH + 2, 3)):
                await runner.advance(items[start:end])
            await shadow_schema.switch(connection)
        assert not await old.leads_to(half)
        with pytest.raises(GoneError):
            async with old.reading(old.recorded_at):
                pass
        await shadow_schema.drop(connection, shadow_schema.OLD)
        with pytest.raises(GoneError):
            await old.advance(items[half:])
    keyframes = await require_seen(url, items, seen)
    assert keyframes <= set(range(0, LENGTH + 1, 6))
    assert len(keyframes) > 3


async def test_a_past_stays_what_it_is_while_the_read_models_change(projections: ProjectionScenario) -> None:
    url, items, half = projections.postgres_url, projections.given(*program(4, 2 * LENGTH)).items(), LENGTH - 2
    seen = (await happen(url, items[:LENGTH]))[half]
    async with AsOfSession.beginning(url, half) as past, await connect(url) as live:
        await past.advance(items[past.position : half])
        assert 0 < past._keyframe.position < half
        runner = await runner_of(live)

        async def go_on() -> None:
            for item in items[LENGTH:]:
                await runner.advance([item])

        writing, times = asyncio.create_task(go_on()), 0
        while not writing.done() or times == 0:
            async with past.reading(moment_of(items[half - 1])) as connection:
                assert await rows(connection) == seen.rows
                require_same(await answers(connection), seen.answers)
            times += 1
        await writing
        async with past.reading(moment_of(items[half - 1])) as connection:
            assert await rows(connection) == seen.rows


async def test_rows_are_not_written_by_who_knows_no_keyframe(projections: ProjectionScenario) -> None:
    insert = "INSERT INTO parked_aggregate (subject, position, reason, error) VALUES ('s', 1, '', '')"
    async with await connect(projections.postgres_url) as connection:
        with pytest.raises(psycopg.errors.UndefinedObject, match=r"antiphon\.keyframe"):
            await connection.execute(insert)
        await carry(connection, 0)
        await connection.execute(insert)
    async with await connect(projections.postgres_url) as connection:
        for change in (b"DELETE FROM parked_aggregate", b"UPDATE parked_aggregate SET position = 2"):
            with pytest.raises(psycopg.errors.UndefinedObject, match=r"antiphon\.keyframe"):
                await connection.execute(change)


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
        async with AsOfSession.beginning(projections.postgres_url, position) as past:
            if past.position < position:
                await past.advance(items[past.position : position])
            async with past.reading(past.recorded_at) as connection:
                assert len((await rows(connection))["flow"]) == flows, position


async def test_what_happened_for_one_question_only_is_forgotten(projections: ProjectionScenario) -> None:
    items = projections.given(*life()).items()
    async with AsOfSession.beginning(projections.postgres_url) as past:
        before = await rows(past._connection)
        async with past.only(items) as connection:
            assert await FLOW_RUNS.count(connection, Criteria()) == 2
        assert await rows(past._connection) == before


async def test_a_past_cannot_write_to_what_is_not_its_own(projections: ProjectionScenario) -> None:
    async with AsOfSession.beginning(projections.postgres_url) as past:
        for table in ("flow_run", "checkpoint", "built"):
            query = sql.SQL("DELETE FROM read_v1.{}").format(sql.Identifier(table))
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                await past._connection.execute(query)


async def test_every_table_has_a_past_or_is_hidden_and_keeps_all_its_columns(projections: ProjectionScenario) -> None:
    found = (
        "SELECT relname, ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0"
        " AND NOT attisdropped ORDER BY attnum) FROM pg_class AS c WHERE relkind IN ('r', 'v') AND relnamespace = "
    )
    async with AsOfSession.beginning(projections.postgres_url) as past:
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
