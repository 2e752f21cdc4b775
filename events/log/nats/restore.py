"""Publishes messages that the log has lost at their old positions, so that readers see no difference (docs/adr/0010).

JetStream sets the time of a published message, and acts on `Nats-` headers: a restored message carries its first time
in a header, and its `Nats-` headers under other names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from nats.aio.client import Client

from antiphon.events.log.nats.batch import store
from antiphon.events.log.nats.connection import is_header_name
from antiphon.events.log.nats.parking import RENAMED
from antiphon.events.log.nats.replies import ReplyInbox
from antiphon.events.log.port import Stored
from antiphon.events.subjects import RECORDED_AT

_RESERVED: Final = "Nats-"
_TIMEOUT_SECONDS: Final = 10.0


async def restore(client: Client, after: int, messages: Sequence[tuple[Stored, datetime]]) -> int:
    """Publish messages with their first times right behind position `after`, all or none; returns the last position.

    Raises ConflictError if the log does not end there, MaxPayloadError for a message that has no room for its time,
    LogUnavailableError if it is not known whether they are stored.
    """
    outgoing = [(stored.subject, _wrap(stored.headers, at), stored.data) for stored, at in messages]
    outgoing[0][1]["Nats-Expected-Last-Sequence"] = str(after)
    return await store(client, ReplyInbox(client), outgoing, _TIMEOUT_SECONDS)


def unwrap(stored: Stored, recorded_at: datetime) -> tuple[Stored, datetime]:
    """A message and its time as they were before the message was lost; unchanged if it was not restored."""
    time = stored.headers.get(RECORDED_AT)
    if time is None:
        return stored, recorded_at
    try:
        at = datetime.fromisoformat(time).astimezone(UTC)
    except ValueError:
        # Another program wrote this header.
        return stored, recorded_at
    headers = {
        name.removeprefix(RENAMED): value
        for name, value in stored.headers.items()
        if name != RECORDED_AT and not name.startswith(_RESERVED)
    }
    return Stored(stored.subject, headers, stored.data), at


def _wrap(headers: Mapping[str, str], recorded_at: datetime) -> dict[str, str]:
    kept = {f"{RENAMED}{name}" if name.startswith(_RESERVED) else name: value for name, value in headers.items()}
    return {RECORDED_AT: recorded_at.isoformat()} | kept


def survives_restore(stored: Stored, recorded_at: datetime) -> bool:
    """Whether a restored message would read as before; unusual headers would not."""
    texts = [text for header in stored.headers.items() for text in header]
    # nats-py strips headers, and refuses some names.
    if not all(text.isprintable() and text == text.strip() for text in texts):
        return False
    if not all(map(is_header_name, stored.headers)):
        return False
    wrapped = Stored(stored.subject, _wrap(stored.headers, recorded_at), stored.data)
    return unwrap(wrapped, recorded_at) == (stored, recorded_at)
