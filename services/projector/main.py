"""The projector process: a loop over the log, and one over each kind of observation that becomes rows."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from antiphon.services.projecting.observation_projection import LOG_LINES, PRESENCE, ObservationLoop, keep_running
from antiphon.services.projector.events import EventsLoop
from antiphon.services.runtime.discovery import Endpoint, discoverable
from antiphon.services.runtime.nats import application
from antiphon.services.runtime.settings import Settings
from antiphon.services.runtime.telemetry import traces_of

if TYPE_CHECKING:
    from antiphon.services.runtime.traces import Traces


async def run(settings: Settings) -> None:
    """Project until asked to stop."""
    with traces_of("projector") as traces:
        await _project(settings, traces)


async def _project(settings: Settings, traces: Traces | None) -> None:
    async with application(settings, "projector") as (_, broker, client):
        observed = [ObservationLoop(client, settings.postgres_url, kind) for kind in (LOG_LINES, PRESENCE)]
        events = EventsLoop(broker, client, settings.postgres_url, traces)
        every: list[EventsLoop | ObservationLoop] = [events, *observed]
        async with (
            discoverable(client, "projector", [endpoint for loop in every for endpoint in _endpoints(loop)]),
            asyncio.TaskGroup() as loops,
        ):
            for loop in every:
                loops.create_task(keep_running(loop.name, loop.run))


def _endpoints(loop: EventsLoop | ObservationLoop) -> list[Endpoint]:
    subjects = loop.subjects if isinstance(loop, ObservationLoop) else [loop.subject]
    return [Endpoint(loop.name, subject, "", lambda: loop.tally) for subject in subjects]
