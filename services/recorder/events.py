"""Projects reported events, and deletes old ones (docs/adr/0011)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

import structlog
from nats.aio.client import Client

from antiphon.projections.engine.writer import connect
from antiphon.projections.event.retention import forget
from antiphon.services.projecting.observation_projection import EVENTS, ObservationLoop, keep_running
from antiphon.services.runtime import clock
from antiphon.services.runtime.discovery import Endpoint
from antiphon.services.runtime.settings import Settings

_PERIOD_SECONDS: Final = 3600.0
#: The pause between two steps of a long deletion, for other writers.
_REST_SECONDS: Final = 0.1

_log = structlog.get_logger(__name__)


class EventRows:
    """Writes the rows of events, and deletes them after the time of retention."""

    def __init__(self, client: Client, settings: Settings) -> None:
        self._loop = ObservationLoop(client, settings.postgres_url, EVENTS)
        self._postgres_url = settings.postgres_url
        self._kept = timedelta(days=settings.event_retention_days)

    @property
    def endpoints(self) -> list[Endpoint]:
        """The subjects that it reads."""
        return [Endpoint(self._loop.name, subject, "", lambda: self._loop.tally) for subject in self._loop.subjects]

    async def run(self) -> None:
        """Run for ever, also when PostgreSQL is away for a while."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(keep_running(self._loop.name, self._loop.run))
            tasks.create_task(keep_running("retention of events", self._forget))

    async def _forget(self) -> None:
        while True:
            async with await connect(self._postgres_url) as connection:
                total = 0
                while gone := await forget(connection, clock.now() - self._kept):
                    total += gone
                    await asyncio.sleep(_REST_SECONDS)
            if total:
                _log.info("events forgotten", events=total, after_days=self._kept.days)
            await asyncio.sleep(_PERIOD_SECONDS)
