"""The reactor process: two readers of the log, one for Prefect's events and one for background tasks."""

from __future__ import annotations

import asyncio

from services.reactor.background_tasks import BackgroundTasks
from services.reactor.flow_run_events import FlowRunEvents
from services.reactor.reaction import react
from services.runtime.nats import application
from services.runtime.settings import Settings


async def run(settings: Settings) -> None:
    """React until asked to stop."""
    async with application(settings, "reactor") as (_, _, client), asyncio.TaskGroup() as reactions:
        for reaction in (FlowRunEvents, BackgroundTasks):
            reactions.create_task(react(client, reaction))
