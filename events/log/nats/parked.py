"""Counts, lists, replays and drops parked messages, and heals parked event streams (docs/adr/0003)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import nats.errors
from nats.aio.client import Client
from nats.js.api import StreamState
from nats.js.errors import APIError, NotFoundError
from nats.js.errors import Error as JetStreamError

from antiphon.events import ids, subjects
from antiphon.events.log.errors import LogError, LogUnavailableError
from antiphon.events.log.nats import direct_get
from antiphon.events.log.nats.delivered import Received
from antiphon.events.log.nats.direct_get import DirectGet
from antiphon.events.log.nats.parking import ERROR, ORIGINAL_LENGTH, ORIGINAL_SUBJECT, RENAMED, REPLAYED
from antiphon.events.log.nats.replies import ReplyInbox
from antiphon.events.projection_messages import Heal, Healed
from antiphon.events.subjects import PARKED

_PAGE: Final = 100
#: A page ends with the message that exceeds this: one message may have several megabytes.
_PAGE_BYTES: Final = 8_000_000
_TIMEOUT_SECONDS: Final = 30.0
_PROJECTION: Final = "events"


class CannotReplayError(LogError):
    """A parked message cannot be replayed: the text says why."""


class CannotHealError(LogError):
    """An event stream still waits behind its parked event: the text says why."""


@dataclass(frozen=True, slots=True)
class Parked:
    """A message that could not be handled."""

    #: In the stream PARKED.
    sequence: int
    #: The role that could not handle it.
    consumer: str
    reason: str
    #: The subject it was first published on.
    subject: str
    error: str
    parked_at: datetime
    headers: Mapping[str, str]
    data: bytes
    #: False if only the beginning of the body is stored.
    is_whole: bool


@dataclass(frozen=True, slots=True)
class ParkedGroup:
    """The parked messages of one consumer, one reason and one kind of subject."""

    consumer: str
    reason: str
    #: `cmd`, `ask`, `obs`, `evt` or `scheduled`, and the kind: the beginning of their subjects.
    kind: str
    count: int
    #: The newest of them.
    last: Parked


class ParkedMessages:
    """The stream PARKED."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._direct = DirectGet(client, PARKED, ReplyInbox(client))

    async def count(self) -> int:
        """The number of parked messages."""
        return (await self._state()).messages

    async def _state(self, subjects_filter: str | None = None) -> StreamState:
        try:
            return (await self._client.jetstream().stream_info(PARKED, subjects_filter)).state
        except (TimeoutError, nats.errors.Error, APIError) as error:
            raise LogUnavailableError(f"the stream {PARKED} did not answer: {error!r}") from error

    async def groups(self) -> list[ParkedGroup]:
        """All parked messages, counted by consumer, reason and kind; the largest group first."""
        counts = (await self._state("parked.>")).subjects or {}
        newest, _ = await self._direct.page({"multi_last": ["parked.>"]})
        found = [_group(message, counts.get(direct_get.subject(message), 1)) for message in newest]
        return sorted(found, key=lambda group: -group.count)

    async def page(self, after: int, limit: int) -> list[Parked]:
        """At most `limit` messages with a sequence above `after`, the oldest first."""
        found: list[Parked] = []
        async for parked in self._above(after, min(limit, _PAGE)):
            found.append(parked)
            if len(found) == limit:
                break
        return found

    async def all(self) -> AsyncIterator[Parked]:
        """The messages that are parked now, the oldest first; not those that are parked meanwhile."""
        last = (await self._state()).last_seq
        async for parked in self._above(0, _PAGE):
            if parked.sequence > last:
                return
            yield parked

    async def _above(self, after: int, count: int) -> AsyncIterator[Parked]:
        is_last = False
        while not is_last:
            page, is_last = await self._direct.page(
                {"seq": after + 1, "next_by_subj": "parked.>", "batch": count, "max_bytes": _PAGE_BYTES}
            )
            for message in page:
                after = direct_get.sequence(message)
                yield _parked(message)

    async def get(self, sequence: int) -> Parked | None:
        """The message with this sequence, if it is still there."""
        found = await self.page(sequence - 1, 1)
        return found[0] if found and found[0].sequence == sequence else None

    async def drop(self, sequence: int) -> bool:
        """Delete a message; False if there is none."""
        try:
            return bool(await self._client.jetstream().delete_msg(PARKED, sequence))
        except (NotFoundError, APIError) as error:
            if isinstance(error, NotFoundError) or await self.get(sequence) is None:
                return False
            raise LogUnavailableError(f"message {sequence} could not be deleted: {error!r}") from error
        except (TimeoutError, nats.errors.Error) as error:
            raise LogUnavailableError(f"message {sequence} could not be deleted: {error!r}") from error

    async def drop_all(self) -> int:
        """Delete the messages that are parked now; returns their number."""
        state = await self._state()
        try:
            await self._client.jetstream().purge_stream(PARKED, seq=state.last_seq + 1)
        except (TimeoutError, nats.errors.Error, APIError) as error:
            raise LogUnavailableError(f"the stream {PARKED} was not emptied: {error!r}") from error
        return state.messages

    async def replay(self, parked: Parked) -> str:
        """Publish a command or an observation again, then delete it here; returns the subject.

        Its effects of the first time are recognised by their ids. Raises CannotReplayError.
        """
        if not parked.is_whole:
            raise CannotReplayError(f"of message {parked.sequence} only the beginning is stored")
        kind, _, rest = parked.subject.partition(".")
        if kind not in ("ask", "cmd", "obs"):
            raise CannotReplayError(f"{parked.subject} is neither a command nor an observation")
        # The sender of a request waits no longer: the command goes to the queue.
        subject = f"cmd.{rest}" if kind == "ask" else parked.subject
        unwanted = (subjects.REPLY_TO, "Nats-")
        headers = {name: value for name, value in parked.headers.items() if not name.startswith(unwanted)}
        headers[REPLAYED] = str(parked.sequence)
        if kind != "obs":
            message_id = parked.headers.get(subjects.MESSAGE_ID, f"parked:{parked.sequence}")
            headers.setdefault(subjects.COMMAND_ID, str(ids.command_id(message_id)))
        try:
            await self._client.jetstream().publish(subject, parked.data, headers=headers)
        except (TimeoutError, nats.errors.Error, JetStreamError) as error:
            raise LogUnavailableError(f"{subject} was not taken: {error!r}") from error
        await self.drop(parked.sequence)
        return subject


async def heal(client: Client, event_stream: str) -> int:
    """Project an event stream from its parked event on; returns the number of events. Raises CannotHealError."""
    request = Heal(event_stream=event_stream).model_dump_json().encode()
    try:
        reply = await client.request(subjects.projection_heal(_PROJECTION), request, timeout=_TIMEOUT_SECONDS)
    except (TimeoutError, nats.errors.Error) as error:
        raise LogUnavailableError(f"the projector did not answer: {error!r}") from error
    answer = Healed.model_validate_json(reply.data)
    if answer.error is not None:
        raise CannotHealError(answer.error)
    return answer.events


def _group(newest: Received, count: int) -> ParkedGroup:
    _, consumer, reason, kind = direct_get.subject(newest).split(".", 3)
    return ParkedGroup(consumer, reason, kind, count, _parked(newest))


def _parked(message: Received) -> Parked:
    headers = message.headers
    own = (ERROR, ORIGINAL_SUBJECT, ORIGINAL_LENGTH)
    # Without the headers that the direct get and the parking have added.
    kept = {name: value for name, value in headers.items() if not name.startswith("Nats-") and name not in own}
    _, consumer, reason, _ = direct_get.subject(message).split(".", 3)
    return Parked(
        sequence=direct_get.sequence(message),
        consumer=consumer,
        reason=reason,
        subject=headers.get(ORIGINAL_SUBJECT, ""),
        error=headers.get(ERROR, ""),
        parked_at=direct_get.stored_at(message),
        headers={name.removeprefix(RENAMED): value for name, value in kept.items()},
        data=message.data,
        is_whole=ORIGINAL_LENGTH not in headers,
    )
