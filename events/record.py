"""Events of the log as JSON for streams, replays, exports and histories."""

from __future__ import annotations

from typing import Any, Final

import orjson

from antiphon.events import codec, subjects
from antiphon.events.log.port import Recorded, Unreadable
from antiphon.events.message import Event
from antiphon.events.outcome import Status
from antiphon.events.refusal import CommandRefused
from antiphon.events.transition import TransitionDecided

_OPTIONS: Final = orjson.OPT_UTC_Z


def status_of(event: Event) -> Status | None:
    """The status of a decided transition, or of a refused command; None for any other event."""
    if isinstance(event, CommandRefused):
        return event.answer.status
    return event.STATUS if isinstance(event, TransitionDecided) else None


def record(item: Recorded | Unreadable) -> bytes:
    """One event as a JSON object: position, cause, and the stored payload in `data`.

    An event that cannot be decoded has `type` null and a reason in `error`.
    """
    if isinstance(item, Unreadable):
        unreadable = {"position": item.position, "type": None, "subject": item.subject, "error": item.error}
        return orjson.dumps(unreadable)
    head = orjson.dumps(_head(item), option=_OPTIONS)
    # orjson cannot write the body: it may hold integers beyond 64 bits.
    return b'%b,"data":%b}' % (head[:-1], codec.encode(item.event))


def _head(item: Recorded) -> dict[str, Any]:
    metadata = item.metadata
    return {
        "position": item.position,
        "type": item.event.TYPE,
        "kind": item.aggregate.kind,
        "id": item.aggregate.id,
        "subject": subjects.event(item.aggregate, item.event.action),
        "recorded_at": item.recorded_at,
        "occurred_at": metadata.occurred_at,
        "command_id": metadata.command_id,
        "correlation_id": metadata.correlation_id,
        "causation_id": metadata.causation_id,
        "actor": metadata.actor,
        "status": status_of(item.event),
    }
