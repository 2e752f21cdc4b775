"""Tells the projector who is at work: heartbeats, and who asks for runs. These are observations, not decisions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection

from antiphon.events import subjects
from antiphon.projections.presence import queries
from antiphon.projections.presence.projection import Presence
from antiphon.services.gateway.context import Gateway
from antiphon.services.gateway.observations.publisher import observe
from antiphon.services.runtime import clock

#: Twice as often as Prefect looks whether something is still polled.
_POLL_NOTED: Final = timedelta(seconds=30)


async def note_worker(
    gateway: Gateway, pool_id: UUID, name: str, interval: int | None, *, is_gone: bool = False
) -> bool:
    """Tell of a worker, and wait until that can be read; False if it could not in time."""
    seen = Presence(
        at=clock.now(), work_pool_id=pool_id, worker=name, heartbeat_interval_seconds=interval, is_gone=is_gone
    )
    position = await _tell(gateway, str(pool_id), seen)
    return await gateway.read_models.presence.wait_for(position, gateway.deadline_seconds)


async def unnoted(connection: AsyncConnection[Any], polled: Sequence[UUID]) -> list[UUID]:
    """Those of these queues and deployments of which it is time to note again that somebody asked for their runs."""
    return await queries.not_polled_since(connection, list(polled), clock.now() - _POLL_NOTED)


async def note_polls(gateway: Gateway, polled: Sequence[UUID]) -> None:
    """Tell that somebody asks for the runs of these: they are ready."""
    if polled:
        await _tell(gateway, str(polled[0]), Presence(at=clock.now(), polled=tuple(polled)))


async def _tell(gateway: Gateway, about: str, seen: Presence) -> int:
    body = seen.model_dump_json(exclude_defaults=True).encode()
    return await observe(gateway.nats, subjects.observation("presence", about), body)
