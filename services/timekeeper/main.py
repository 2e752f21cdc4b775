"""The timekeeper process: a sweep over what is overdue, again and again.

It keeps nothing itself: what is overdue stands in the read models, and the policy decides whether it really is. Told
twice, or by two timekeepers, it is decided once, because the command id follows from what is overdue.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final
from uuid import UUID

import psycopg
import structlog
from psycopg import AsyncConnection

from antiphon.events import ids
from antiphon.events.client.client import Client, CommandEnvelope
from antiphon.events.limit.commands import ExpireLease
from antiphon.events.log.errors import LogUnavailableError
from antiphon.projections.core.reading import configure
from antiphon.projections.limit import queries
from antiphon.services.runtime import clock
from antiphon.services.runtime.discovery import discoverable
from antiphon.services.runtime.ids import uuid7
from antiphon.services.runtime.nats import application
from antiphon.services.runtime.settings import Settings

_SWEEP_SECONDS: Final = 1.0
_MOST_AT_ONCE: Final = 500
#: What was said is on disk, and will be decided: said again it only would fill the queue of a policy that is away.
_PATIENCE_SECONDS: Final = 30.0

_log = structlog.get_logger(__name__)


async def run(settings: Settings) -> None:
    """Sweep until asked to stop."""
    async with application(settings, "timekeeper") as (_, _, client), discoverable(client, "timekeeper"):
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
        told: dict[UUID, float] = {}
        while True:
            moment = clock.monotonic()
            told = {command_id: at for command_id, at in told.items() if moment - at < _PATIENCE_SECONDS}
            late = [item for item in await _overdue(connection) if item.command_id not in told]
            await commands.publish_many(late)
            told.update((item.command_id, moment) for item in late)
            if late:
                _log.info("leases expire", count=len(late))
            await asyncio.sleep(_SWEEP_SECONDS)


async def _overdue(connection: AsyncConnection[Any]) -> list[CommandEnvelope]:
    """What there is to say about the leases whose time is over."""
    return [
        CommandEnvelope(lease.id, ExpireLease(), ids.derived(lease.id, f"expires at {lease.expires_at.isoformat()}"))
        for lease in await queries.overdue(connection, clock.now(), _MOST_AT_ONCE)
    ]
