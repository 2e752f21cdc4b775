"""Parks a message as a process does that cannot handle it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Final

from nats.aio.client import Client as NatsClient

from antiphon.events.log.nats.parking import Parking
from antiphon.events.unhandled import Reason, Unhandled

_NUMBERS: Final = count(1)


async def park(
    client: NatsClient,
    consumer: str,
    subject: str,
    headers: Mapping[str, str] | None,
    data: bytes,
    error: str,
    *,
    origin: str = "",
) -> None:
    """Park one message, by default another one each time."""
    message = Unhandled(origin or f"TEST:{next(_NUMBERS)}", subject, headers, data, Reason.UNREADABLE, error)
    await Parking(client, consumer).park([message])
