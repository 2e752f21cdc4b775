"""The reactor process: two readers of the log, one for Prefect's events and one for background tasks."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Final

from antiphon.services.reactor.background_tasks import BackgroundTasks
from antiphon.services.reactor.reaction import Reaction, react
from antiphon.services.reactor.server_events import ServerEvents
from antiphon.services.runtime.discovery import Endpoint, discoverable
from antiphon.services.runtime.nats import application
from antiphon.services.runtime.settings import Settings
from antiphon.services.runtime.work_counters import WorkCounters

_REACTIONS: Final[tuple[type[Reaction], ...]] = (ServerEvents, BackgroundTasks)


async def run(settings: Settings) -> None:
    """React until asked to stop."""
    counters_of = {reaction: WorkCounters() for reaction in _REACTIONS}
    endpoints = [
        Endpoint(reaction.STREAM, subject, "", partial(counters_of.__getitem__, reaction))
        for reaction in _REACTIONS
        for subject in reaction.SUBJECTS
    ]
    async with (
        application(settings, "reactor") as (_, _, client),
        discoverable(client, "reactor", endpoints),
        asyncio.TaskGroup() as reactions,
    ):
        for reaction, counters in counters_of.items():
            reactions.create_task(react(client, reaction, counters))
