"""Parks events that a reader of the log cannot handle: the projector, a rebuild or the reactor."""

from __future__ import annotations

import structlog
from nats.aio.client import Client

from antiphon.events import subjects
from antiphon.events.log.nats.parking import park
from antiphon.events.log.port import Recorded, Unreadable
from antiphon.projections.engine.event_reader import Park, stream_of

_log = structlog.get_logger(__name__)


def park_events(client: Client, role: str = "projector") -> Park:
    """A function that parks an event."""

    async def keep(item: Recorded | Unreadable, why: str) -> None:
        if isinstance(item, Unreadable):
            subject, headers, data = subjects.printable(item.subject), item.headers, item.data
        else:
            # The position is enough: the log holds the event itself.
            subject = f"{stream_of(item)}.{item.event.action}"
            headers, data = None, str(item.position).encode()
        message_id = f"{role}:{subjects.EVENTS}:{item.position}"
        await park(client, role, subject, headers, data, why, message_id=message_id)
        _log.warning("event parked", position=item.position, subject=subject, why=why)

    return keep
