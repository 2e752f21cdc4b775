"""Publishes observations: reports of clients, unchanged."""

from __future__ import annotations

from typing import Final

import nats.errors
import orjson
from nats.aio.client import Client
from nats.js.errors import Error as JetStreamError

from antiphon.events import subjects
from antiphon.events.log.errors import LogUnavailableError
from antiphon.services.gateway.http.errors import RequestTooLargeError
from antiphon.services.gateway.schemas.events import ReportedEvent
from antiphon.services.runtime import clock

_TIMEOUT_SECONDS: Final = 10.0


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
