"""The schema is applied once, however often it is asked for."""

from __future__ import annotations

import asyncio

import psycopg

from antiphon.projections.core.migrate import migrate

_OBJECTS = """
    SELECT nspname, relname, relkind::text, pg_class.oid::bigint
    FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname !~ '^pg_|^information_schema$'
    ORDER BY 1, 2
"""


async def _objects(url: str) -> list[tuple[object, ...]]:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        return await (await connection.execute(_OBJECTS)).fetchall()


async def test_a_second_migration_changes_nothing(postgres_url: str) -> None:
    before = await _objects(postgres_url)
    await migrate(postgres_url)
    assert await _objects(postgres_url) == before


async def test_several_may_migrate_at_once(empty_postgres_url: str, postgres_url: str) -> None:
    await asyncio.gather(*(migrate(empty_postgres_url) for _ in range(3)))
    made, copied = await _objects(empty_postgres_url), await _objects(postgres_url)
    assert [row[:3] for row in made] == [row[:3] for row in copied]
