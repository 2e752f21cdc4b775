"""Puts messages that nobody can handle aside, with their error, where they can be looked at and replayed."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Final

import nats.errors
from nats.aio.client import Client
from nats.js.errors import Error as JetStreamError

from events import subjects
from events.log.errors import LogUnavailableError

ERROR: Final = "Antiphon-Error"
ORIGINAL_SUBJECT: Final = "Antiphon-Original-Subject"


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
    """Keep a message in the stream PARKED; parking it again soon after does nothing.

    Raises LogUnavailableError when it could not be kept: then it must not be acknowledged.
    """
    kept = {f"Original-{name}" if name.startswith("Nats-") else name: value for name, value in (headers or {}).items()}
    digest = sha256(subject.encode() + b"\0" + data).hexdigest()
    kept |= {
        "Nats-Msg-Id": message_id or f"{consumer}:{digest}",
        ORIGINAL_SUBJECT: subject,
        # A header is one line.
        ERROR: " ".join(error.split())[:2000],
    }
    try:
        await client.jetstream().publish(subjects.parked(consumer), data, headers=kept)
    except (TimeoutError, nats.errors.Error, JetStreamError) as failure:
        raise LogUnavailableError(f"a message on {subject} could not be parked: {failure!r}") from failure
