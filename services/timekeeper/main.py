"""The timekeeper process: a sweep over what is overdue, again and again.

It keeps nothing itself: what is overdue stands in the read models, and the policy decides whether it really is. Told
twice, or by two timekeepers, it is decided once, because the command id follows from what is overdue.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import psycopg
import structlog
from psycopg import AsyncConnection

from events import ids
from events.client import Addressed, Client
from events.limit.commands import ExpireLease
from events.log.errors import LogUnavailableError
from projections.limit import queries
from projections.reading import configure
from services.runtime import clock
from services.runtime.ids import uuid7
from services.runtime.nats import application
from services.runtime.settings import Settings

_SWEEP_SECONDS: Final = 1.0
_MOST_AT_ONCE: Final = 500

_log = structlog.get_logger(__name__)


async def run(settings: Settings) -> None:
    """Sweep until asked to stop."""
    async with application(settings, "timekeeper") as (_, _, client):
        commands = Client(client, clock=clock.now, new_id=uuid7)
        while True:
            try:
                await _sweep_again_and_again(settings.postgres_url, commands)
            except (psycopg.OperationalError, LogUnavailableError) as error:
                _log.warning("sweep broken off", error=str(error).strip())
            await asyncio.sleep(_SWEEP_SECONDS)


async def _sweep_again_and_again(postgres_url: str, commands: Client) -> None:
    async with await AsyncConnection.connect(postgres_url) as connection:
        await configure(connection)
        while True:
            found = await _sweep(connection, commands)
            # The projection is behind the commands: asking at once would find the same leases again.
            await asyncio.sleep(_SWEEP_SECONDS)
            if found:
                _log.info("leases expire", count=found)


async def _sweep(connection: AsyncConnection[Any], commands: Client) -> int:
    """Have every overdue lease expire; returns how many there were."""
    overdue = await queries.overdue(connection, clock.now(), _MOST_AT_ONCE)
    await commands.publish_many(
        Addressed(lease.id, ExpireLease(), ids.derived(lease.id, f"expires at {lease.expires_at.isoformat()}"))
        for lease in overdue
    )
    return len(overdue)
