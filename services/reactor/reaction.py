"""Follows the log for one reaction, and writes its messages to another stream, each once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar, Final, Protocol

import nats.errors
import structlog
from nats.aio.client import Client
from nats.errors import MaxPayloadError

from antiphon.events import subjects
from antiphon.events.errors import UndecodableError
from antiphon.events.log.errors import LogError
from antiphon.events.log.nats.connection import Outgoing, check_size
from antiphon.events.log.nats.jetstream import JetStreamLog
from antiphon.events.log.nats.parking import Parking
from antiphon.events.log.nats.relay import MAX_MESSAGES, Relay
from antiphon.events.log.port import EventLog, Recorded, Unreadable
from antiphon.events.unhandled import Reason, Unhandled
from antiphon.services.runtime import clock
from antiphon.services.runtime.work_counters import WorkCounters

_BACKOFF_SECONDS: Final = 0.5
#: A batch this large is written before it grows further.
_MOST_BYTES: Final = 4_000_000

_log = structlog.get_logger(__name__)


class Reaction(Protocol):
    """Derives messages from the events of the log, in their order."""

    #: The stream of its messages.
    STREAM: ClassVar[str]
    #: Wildcards that select the events it needs to see.
    SUBJECTS: ClassVar[Sequence[str]]
    #: The start if the stream has no cursor; None: the first event. The stream deletes messages after this time, so
    #: missing ones were never written or are older.
    BEGINS_SECONDS_AGO: ClassVar[float | None]
    #: The pause after each write: a few large batches cost much less than many small ones.
    GATHERS_SECONDS: ClassVar[float]

    def __init__(self, log: EventLog) -> None:
        """Start at a position of the log; `log` gives the earlier events."""

    async def messages(self, event: Recorded) -> Sequence[Outgoing]:
        """The messages for an event."""


async def react(client: Client, made: type[Reaction], counters: WorkCounters) -> None:
    """Follow the log for ever; after an error continue behind the cursor."""
    relay, log = Relay(client, made.STREAM, "reactor"), JetStreamLog(client)
    while True:
        try:
            await _follow(client, relay, log, made, counters)
        except (LogError, TimeoutError, nats.errors.Error) as error:
            _log.warning("goes back to the cursor", stream=made.STREAM, error=repr(error))
            await asyncio.sleep(_BACKOFF_SECONDS)


async def _follow(
    client: Client, relay: Relay, log: JetStreamLog, made: type[Reaction], counters: WorkCounters
) -> None:
    position = await relay.position()
    if position is None:
        position = await _beginning(log, made)
    reaction, parking = made(log), Parking(client, "reactor")
    _log.info("reacts", stream=made.STREAM, subjects=list(made.SUBJECTS), after=position)
    async for batch in log.follow(position, subjects=made.SUBJECTS):
        began, waiting, size, aside = clock.monotonic(), list[Outgoing](), 0, list[Unhandled]()
        for item in batch:
            new = await _messages(reaction, item, client)
            if isinstance(new, Unhandled):
                _log.warning("event parked", position=item.position, subject=new.subject, why=new.error)
                counters.fail(new.error)
                aside.append(new)
                continue
            if len(waiting) + len(new) > MAX_MESSAGES or size > _MOST_BYTES:
                await parking.park(aside)
                await relay.advance(waiting, item.position - 1)
                waiting, size, aside = [], 0, []
            waiting += new
            size += sum(len(data) for _, _, data in new)
        counters.data["position"] = batch[-1].position
        await parking.park(aside)
        # Without messages the cursor may stay: reading these events again has no effect.
        if waiting or aside:
            await relay.advance(waiting, batch[-1].position)
        counters.add(len(batch), clock.monotonic() - began)
        if waiting:
            await asyncio.sleep(made.GATHERS_SECONDS)


async def _beginning(log: JetStreamLog, made: type[Reaction]) -> int:
    if made.BEGINS_SECONDS_AGO is None:
        return 0
    return await log.position_at(clock.now() - timedelta(seconds=made.BEGINS_SECONDS_AGO)) - 1


async def _messages(reaction: Reaction, item: Recorded | Unreadable, client: Client) -> Sequence[Outgoing] | Unhandled:
    """The messages for an event, or why there are none."""
    if isinstance(item, Unreadable):
        return _unhandled(item, item.subject, Reason.UNREADABLE, item.error)
    subject = subjects.event(item.aggregate, item.event.action)
    try:
        messages = await reaction.messages(item)
        for _, headers, data in messages:
            check_size(client, headers, data)
    except MaxPayloadError:
        return _unhandled(item, subject, Reason.TOO_LARGE, "its message is too large")
    except UndecodableError as error:
        return _unhandled(item, subject, Reason.UNREADABLE, f"an earlier event cannot be read: {error}")
    return messages


def _unhandled(item: Recorded | Unreadable, subject: str, reason: Reason, error: str) -> Unhandled:
    # The position is enough of a readable event: the log holds the event itself.
    headers, data = (item.headers, item.data) if isinstance(item, Unreadable) else (None, str(item.position).encode())
    return Unhandled(f"{subjects.EVENTS}:{item.position}", subject, headers, data, reason, error)
