"""Lists, shows, replays and drops parked messages (docs/adr/0003)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import nats.errors
from nats.aio.client import Client
from nats.js.errors import APIError, NotFoundError
from nats.js.errors import Error as JetStreamError

from antiphon.events import ids, subjects
from antiphon.events.log.errors import LogError, LogUnavailableError
from antiphon.events.log.nats import direct_get
from antiphon.events.log.nats.delivered import Received
from antiphon.events.log.nats.direct_get import DirectGet
from antiphon.events.log.nats.parking import ERROR, ORIGINAL_LENGTH, ORIGINAL_SUBJECT, RENAMED, REPLAYED
from antiphon.events.log.nats.replies import ReplyInbox
from antiphon.events.projection_messages import Unpark, Unparked
from antiphon.events.subjects import PARKED

_PAGE: Final = 100
_TIMEOUT_SECONDS: Final = 30.0
_PROJECTION: Final = "events"


class CannotReplayError(LogError):
    """A parked message cannot be replayed: the text says why."""


@dataclass(frozen=True, slots=True)
class Parked:
    """A message that could not be handled."""

    #: In the stream PARKED.
    sequence: int
    #: The role that could not handle it.
    consumer: str
    #: The subject it was first published on.
    subject: str
    error: str
    parked_at: datetime
    headers: Mapping[str, str]
    data: bytes
    #: False if only the beginning of the body is stored.
    is_whole: bool

    @property
    def event_stream(self) -> str | None:
        """The event stream that waits behind the message, if it is an event."""
        return subjects.stream_of(self.subject) if self.subject.startswith("evt.") else None


class ParkedMessages:
    """The stream PARKED."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._direct = DirectGet(client, PARKED, ReplyInbox(client))

    async def count(self) -> int:
        """The number of parked messages."""
        try:
            return (await self._client.jetstream().stream_info(PARKED)).state.messages
        except (TimeoutError, nats.errors.Error, APIError) as error:
            raise LogUnavailableError(f"the stream {PARKED} did not answer: {error!r}") from error

    async def all(self, after: int = 0) -> AsyncIterator[Parked]:
        """Messages with a sequence above `after`, the oldest first."""
        is_last = False
        while not is_last:
            request = {"seq": after + 1, "next_by_subj": "parked.>", "batch": _PAGE}
            page, is_last = await self._direct.page(request)
            for message in page:
                after = direct_get.sequence(message)
                yield _parked(message)

    async def get(self, sequence: int) -> Parked | None:
        """The message with this sequence, if it is still there."""
        async for parked in self.all(sequence - 1):
            return parked if parked.sequence == sequence else None
        return None

    async def drop(self, sequence: int) -> bool:
        """Delete a message; False if there is none. The log keeps an event that is dropped here."""
        try:
            return bool(await self._client.jetstream().delete_msg(PARKED, sequence))
        except (NotFoundError, APIError) as error:
            if isinstance(error, NotFoundError) or await self.get(sequence) is None:
                return False
            raise LogUnavailableError(f"message {sequence} could not be deleted: {error!r}") from error
        except (TimeoutError, nats.errors.Error) as error:
            raise LogUnavailableError(f"message {sequence} could not be deleted: {error!r}") from error

    async def replay(self, parked: Parked) -> str:
        """Handle a message again, then delete it; returns a sentence about what was done.

        A command or observation is published again: its effects of the first time are recognised by their ids.
        For an event, the projection continues with its event stream. Raises CannotReplayError.
        """
        if parked.event_stream is not None:
            done = await self._unpark(parked.event_stream)
            async for other in self.all():
                if other.event_stream == parked.event_stream:
                    await self.drop(other.sequence)
            return done
        done = await self._publish_again(parked)
        await self.drop(parked.sequence)
        return done

    async def _publish_again(self, parked: Parked) -> str:
        if not parked.is_whole:
            raise CannotReplayError(f"of message {parked.sequence} only the beginning is stored")
        kind, _, rest = parked.subject.partition(".")
        if kind not in ("ask", "cmd", "obs"):
            raise CannotReplayError(f"{parked.subject} is neither a command nor an observation nor an event")
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
        return f"published on {subject}"

    async def _unpark(self, event_stream: str) -> str:
        request = Unpark(event_stream=event_stream).model_dump_json().encode()
        try:
            reply = await self._client.request(
                subjects.projection_unpark(_PROJECTION), request, timeout=_TIMEOUT_SECONDS
            )
        except (TimeoutError, nats.errors.Error) as error:
            raise LogUnavailableError(f"the projector did not answer: {error!r}") from error
        answer = Unparked.model_validate_json(reply.data)
        if answer.error is not None:
            raise CannotReplayError(answer.error)
        return f"projected {answer.events} events of {event_stream}"


def _parked(message: Received) -> Parked:
    headers = message.headers
    own = (ERROR, ORIGINAL_SUBJECT, ORIGINAL_LENGTH)
    # Without the headers that the direct get and the parking have added.
    kept = {name: value for name, value in headers.items() if not name.startswith("Nats-") and name not in own}
    return Parked(
        sequence=direct_get.sequence(message),
        consumer=direct_get.subject(message).removeprefix("parked."),
        subject=headers.get(ORIGINAL_SUBJECT, ""),
        error=headers.get(ERROR, ""),
        parked_at=direct_get.stored_at(message),
        headers={name.removeprefix(RENAMED): value for name, value in kept.items()},
        data=message.data,
        is_whole=ORIGINAL_LENGTH not in headers,
    )
