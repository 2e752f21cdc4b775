"""The timekeeper process: it looks for expired leases again and again.

It has no state: the read models contain the leases, and the policy decides whether they have expired. The command id is
derived from the lease, so repeated commands, also of two timekeepers, are decided once.
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
#: A command is not repeated for so long: it is on disk, and repetitions fill the queue of a policy that is away.
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
        sent: dict[UUID, float] = {}
        while True:
            moment = clock.monotonic()
            sent = {command_id: at for command_id, at in sent.items() if moment - at < _PATIENCE_SECONDS}
            late = [item for item in await _overdue(connection) if item.command_id not in sent]
            await commands.publish_many(late)
            sent.update((item.command_id, moment) for item in late)
            if late:
                _log.info("leases expire", count=len(late))
            await asyncio.sleep(_SWEEP_SECONDS)


async def _overdue(connection: AsyncConnection[Any]) -> list[CommandEnvelope]:
    """The commands for expired leases."""
    return [
        CommandEnvelope(lease.id, ExpireLease(), ids.derived(lease.id, f"expires at {lease.expires_at.isoformat()}"))
        for lease in await queries.overdue(connection, clock.now(), _MOST_AT_ONCE)
    ]
