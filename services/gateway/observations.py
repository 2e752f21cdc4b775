"""Publishes observations: reports of clients, unchanged, and presence for the projector, without a decision.

Presence is heartbeats of workers, and polls for runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import nats.errors
import orjson
from nats.aio.client import Client
from nats.js.errors import Error as JetStreamError
from psycopg import AsyncConnection

from antiphon.events import subjects
from antiphon.events.log.errors import LogUnavailableError
from antiphon.projections.presence import queries
from antiphon.projections.presence.projection import Presence
from antiphon.services.gateway.context import Gateway
from antiphon.services.gateway.http.errors import RequestTooLargeError
from antiphon.services.gateway.schemas.events import ReportedEvent
from antiphon.services.runtime import clock

_TIMEOUT_SECONDS: Final = 10.0
#: Half the interval after which Prefect checks for polls.
_POLL_RECORDED: Final = timedelta(seconds=30)


async def observe(client: Client, subject: str, body: bytes, *, message_id: str | None = None) -> int:
    """Publish one observation and return its position; raises LogUnavailableError or RequestTooLargeError."""
    headers = {"Nats-Msg-Id": message_id} if message_id else None
    try:
        acknowledgement = await client.jetstream(timeout=_TIMEOUT_SECONDS).publish(subject, body, headers=headers)
    except nats.errors.MaxPayloadError as error:
        raise RequestTooLargeError(f"Too large: at most {client.max_payload} bytes are taken.") from error
    except (TimeoutError, nats.errors.Error, JetStreamError) as error:
        raise LogUnavailableError(f"the observation was not taken: {error!r}") from error
    return acknowledgement.seq


def event_subject(event: ReportedEvent) -> str:
    """The subject of a client's event, by the resource that it is about."""
    resource = event.resource["prefect.resource.id"]
    for prefix, kind in (("prefect.task-run.", "task_run"), ("prefect.flow-run.", "flow_run")):
        identifier = resource.removeprefix(prefix)
        if resource.startswith(prefix) and subjects.is_token(identifier):
            return subjects.observation(kind, identifier)
    return subjects.observation_about(resource)


def event_body(event: ReportedEvent) -> bytes:
    """The event as it is stored and shown, with all its fields and the time of receipt."""
    # Not orjson, because a payload may hold integers beyond 64 bits.
    return b'%b,"received":%b}' % (
        event.model_dump_json().encode()[:-1],
        orjson.dumps(clock.now()),
    )


async def observe_event(client: Client, event: ReportedEvent) -> None:
    """Publish a client's event; JetStream drops a repetition soon after."""
    await observe(client, event_subject(event), event_body(event), message_id=str(event.id))


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
