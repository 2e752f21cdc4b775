"""Reported events as rows: written once, and forgotten when they are too old (docs/adr/0011)."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import orjson
from nats.aio.client import Client as NatsClient

from antiphon.events import subjects
from antiphon.projections.core.change import Put
from antiphon.projections.engine.writer import connect, write
from antiphon.projections.event.projection import NAME, project
from antiphon.services.recorder.main import run as run_recorder
from antiphon.services.runtime.settings import Settings
from tests.integration import in_process

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def reported(number: int, occurred: datetime, **payload: str) -> bytes:
    resource = {"prefect.resource.id": f"thing.{number}"}
    return orjson.dumps(
        {
            "id": UUID(int=number),
            "occurred": occurred,
            "received": NOW,
            "event": "thing.happened",
            "resource": resource,
            "related": [{"prefect.resource.id": "other", "prefect.resource.role": "friend"}, resource],
            "payload": payload,
            "follows": None,
        }
    )


def test_characters_that_postgres_does_not_have_are_left_out() -> None:
    (put,) = project(reported(1, NOW, text="a\x00b", told="\\u0000"))
    assert isinstance(put, Put)
    assert put.row["payload"] == {"text": "ab", "told": "\\u0000"}
    assert put.row["resource_ids"] == ["other", "thing.1"]


async def test_a_recorder_forgets_what_is_too_old_and_nothing_else(
    nats_url: str, client: NatsClient, postgres_url: str
) -> None:
    settings = Settings(nats_url=nats_url, postgres_url=postgres_url, event_retention_days=7)
    now = datetime.now(UTC)
    kept = [UUID(int=number) for number in (5000, 5001)]
    async with await connect(postgres_url) as connection:
        # More than one step's worth, and one that is nearly as old.
        old = [change for number in range(1, 1202) for change in project(reported(number, now - timedelta(days=8)))]
        await write(connection, [*old, *project(reported(5000, now - timedelta(days=6)))], NAME, 0)
        async with in_process.running(settings, run_recorder):
            # One that comes meanwhile, twice.
            for _ in range(2):
                await client.publish(subjects.observation_about("thing.5001"), reported(5001, now))
            async with asyncio.timeout(20):
                while await ids(postgres_url) != kept:
                    await asyncio.sleep(0.05)


async def ids(postgres_url: str) -> list[UUID]:
    async with await connect(postgres_url) as connection:
        return [row[0] for row in await (await connection.execute("SELECT id FROM event ORDER BY id")).fetchall()]
