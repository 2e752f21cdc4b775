"""The projector process: a loop over the log, and one over each kind of observation that becomes rows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

import psycopg
import structlog

from projections.writer import is_passing
from services.projector.events import EventsLoop
from services.projector.observed import LOG_LINES, PRESENCE, ObservedLoop
from services.runtime import clock
from services.runtime.discovery import Endpoint, discoverable
from services.runtime.nats import application
from services.runtime.settings import Settings
from services.runtime.telemetry import traces_of

if TYPE_CHECKING:
    from services.runtime.traces import Traces

_FIRST_PAUSE_SECONDS: Final = 0.2
_LONGEST_PAUSE_SECONDS: Final = 5.0

_log = structlog.get_logger(__name__)


async def run(settings: Settings) -> None:
    """Project until asked to stop."""
    with traces_of("projector") as traces:
        await _project(settings, traces)


async def _project(settings: Settings, traces: Traces | None) -> None:
    async with application(settings, "projector") as (_, _, client):
        observed = [ObservedLoop(client, settings.postgres_url, kind) for kind in (LOG_LINES, PRESENCE)]
        events = EventsLoop(client, settings.postgres_url, traces, stands_aside=settings.shares_cores)
        every: list[EventsLoop | ObservedLoop] = [events, *observed]
        async with discoverable(client, "projector", [_endpoint(loop) for loop in every]), asyncio.TaskGroup() as loops:
            for loop in every:
                loops.create_task(_again_and_again(loop.name, loop.run))


def _endpoint(loop: EventsLoop | ObservedLoop) -> Endpoint:
    return Endpoint(loop.name, loop.subject, "", lambda: loop.tally)


async def _again_and_again(name: str, loop: Callable[[], Awaitable[None]]) -> None:
    """Start a loop again when Postgres goes away: it goes on behind its checkpoint."""
    pause = _FIRST_PAUSE_SECONDS
    while True:
        started = clock.monotonic()
        try:
            await loop()
        except psycopg.Error as error:
            if not is_passing(error):
                raise
            if clock.monotonic() - started > _LONGEST_PAUSE_SECONDS:
                # It was well in between: this is new trouble.
                pause = _FIRST_PAUSE_SECONDS
            _log.warning("postgres is away", projection=name, error=str(error).strip(), pause_seconds=pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
