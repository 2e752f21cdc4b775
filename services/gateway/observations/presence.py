"""Publishes presence for the projector: heartbeats of workers, and polls for runs. These are observations."""

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

#: Half the interval after which Prefect checks for polls.
_POLL_RECORDED: Final = timedelta(seconds=30)


async def publish_heartbeat(
    gateway: Gateway, pool_id: UUID, name: str, interval: int | None, *, is_gone: bool = False
) -> bool:
    """Publish a worker's heartbeat and wait until reads show it; False if that took too long."""
    seen = Presence(
        at=clock.now(), work_pool_id=pool_id, worker=name, heartbeat_interval_seconds=interval, is_gone=is_gone
    )
    position = await _publish(gateway, str(pool_id), seen)
    return await gateway.read_models.presence.wait_for(position, gateway.deadline_seconds)


async def polls_to_record(connection: AsyncConnection[Any], polled: Sequence[UUID]) -> list[UUID]:
    """The queues and deployments, of those given, whose last recorded poll is old enough to record another."""
    return await queries.not_polled_since(connection, list(polled), clock.now() - _POLL_RECORDED)


async def publish_polls(gateway: Gateway, polled: Sequence[UUID]) -> None:
    """Record that a client polls for the runs of these queues and deployments."""
    if polled:
        await _publish(gateway, str(polled[0]), Presence(at=clock.now(), polled=tuple(polled)))


async def _publish(gateway: Gateway, about: str, seen: Presence) -> int:
    body = seen.model_dump_json(exclude_defaults=True).encode()
    return await observe(gateway.nats, subjects.observation("presence", about), body)
