"""Stores messages that cannot be handled in the stream PARKED, with their error, to be looked at and replayed."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Final

import nats.errors
from nats.aio.client import Client
from nats.js.errors import Error as JetStreamError

from antiphon.events import subjects
from antiphon.events.log.errors import LogUnavailableError
from antiphon.events.log.nats.connection import is_header_name, size_of

ERROR: Final = "Antiphon-Error"
ORIGINAL_SUBJECT: Final = "Antiphon-Original-Subject"
#: The length of a body of which only the beginning is stored.
ORIGINAL_LENGTH: Final = "Antiphon-Original-Length"
#: On a parked message that was published again: its sequence in PARKED.
REPLAYED: Final = "Antiphon-Replayed"
#: The prefix of a stored `Nats-` header, on which JetStream would act.
RENAMED: Final = "Original-"

#: JetStream stores no more than 64 kB of headers; a third is reserved for ours.
_MAX_HEADERS: Final = 40_000
_ROOM: Final = 512


async def park(
    client: Client,
    consumer: str,
    subject: str,
    headers: Mapping[str, str] | None,
    data: bytes,
    error: str,
    *,
    message_id: str | None = None,
) -> None:
    """Store a message in the stream PARKED; parking it again soon after does nothing.

    With its error a message may be larger than the server accepts: then its longest headers or the end of its body are
    dropped.

    Raises LogUnavailableError if it is not stored: then it must not be acknowledged.
    """
    kept = {f"{RENAMED}{name}" if name.startswith("Nats-") else name: value for name, value in _publishable(headers)}
    # A message that is parked again after it was replayed is another one.
    again = kept.get(REPLAYED, "")
    digest = sha256(f"{subject}\0{again}\0".encode() + data).hexdigest()
    kept |= {
        "Nats-Msg-Id": message_id or f"{consumer}:{digest}",
        ORIGINAL_SUBJECT: subject,
        # A header is one line.
        ERROR: " ".join(error.split())[:2000],
    }
    room = client.max_payload - size_of(kept) - _ROOM
    if len(data) > room:
        kept[ORIGINAL_LENGTH] = str(len(data))
        data = data[:room]
    try:
        await client.jetstream().publish(subjects.parked(consumer), data, headers=kept)
    except (TimeoutError, nats.errors.Error, JetStreamError) as failure:
        raise LogUnavailableError(f"a message on {subject} could not be parked: {failure!r}") from failure


def _publishable(headers: Mapping[str, str] | None) -> list[tuple[str, str]]:
    """The headers that can be published, without the longest if they are too long together."""
    named = [(name, value) for name, value in (headers or {}).items() if is_header_name(name)]
    kept = sorted(named, key=lambda item: len(item[0]) + len(item[1]))
    while size_of(dict(kept)) > _MAX_HEADERS:
        kept.pop()
    return kept
