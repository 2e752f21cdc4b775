"""Commands as they arrive: messages of a queue, or questions whose sender waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import blake2s
from typing import Final, NamedTuple, Protocol
from uuid import UUID

from antiphon.events import codec, ids, subjects
from antiphon.events.errors import UndecodableError
from antiphon.events.log.nats.delivered import is_of_stream, place_of
from antiphon.events.log_position import LAST
from antiphon.events.message import Command, Metadata
from antiphon.events.subjects import Aggregate
from antiphon.services.runtime import clock
from antiphon.services.runtime.ids import uuid7

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class CommandMessage(Protocol):
    """A message that should hold a command."""

    @property
    def subject(self) -> str:
        """What it was published on."""

    @property
    def reply(self) -> str:
        """The reply subject: of a question its sender's, of a queued command the queue's own."""

    @property
    def headers(self) -> dict[str, str] | None:
        """Its headers."""

    @property
    def data(self) -> bytes:
        """Its body."""


class DecodedCommand(NamedTuple):
    """A command, the aggregate that it is for, and the message that it came in."""

    message: CommandMessage
    aggregate: Aggregate
    body: Command
    metadata: Metadata
    #: The position of the aggregate's last change must be this one.
    if_position: int | None = None
    #: Why the command cannot be done, found out after it was decided.
    impossible: str = ""

    @property
    def id(self) -> UUID:
        """The id of the command."""
        return self.metadata.command_id


def read(message: CommandMessage) -> DecodedCommand:
    """The command in a message; raises UndecodableError."""
    headers = _headers(message)
    try:
        aggregate, verb = subjects.parse(message.subject)
    except ValueError as error:
        raise UndecodableError(str(error)) from error
    _check_reply_to(message)
    command = codec.decode_command(aggregate, verb, message.data)
    _check_id(aggregate)
    metadata = codec.metadata_of(headers, headers.get(subjects.OCCURRED_AT))
    if metadata.command_digest is None:
        metadata = metadata._replace(command_digest=_digest(verb, message.data))
    return DecodedCommand(message, aggregate, command, metadata, _if_position(headers))


def _if_position(headers: dict[str, str]) -> int | None:
    text = headers.get(subjects.IF_POSITION)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < len(str(LAST))):
        raise UndecodableError(f"the header {subjects.IF_POSITION} is no position")
    return int(text)


def _digest(verb: str, data: bytes) -> str:
    return blake2s(b"%b %b" % (verb.encode(), data), digest_size=8).hexdigest()


def command_id(message: CommandMessage) -> UUID | None:
    """The id of the command in a message; None where the sender gave one that is no UUID."""
    try:
        return UUID(_headers(message)[subjects.COMMAND_ID])
    except ValueError:
        return None


def _headers(message: CommandMessage) -> dict[str, str]:
    """The headers, with an id and a time where the sender gave none: the same whenever a queued command comes."""
    headers = message.headers or {}
    if subjects.COMMAND_ID in headers and subjects.OCCURRED_AT in headers:
        return headers
    own_id, moment = uuid7(), clock.now()
    if (place := place_of(message.reply)) is not None:
        own_id = ids.queued_command_id(*map(str, place))
        moment = _EPOCH + timedelta(microseconds=place.nanoseconds // 1000)
    if message_id := headers.get(subjects.MESSAGE_ID):
        own_id = ids.command_id(message_id)
    return {subjects.COMMAND_ID: str(own_id), subjects.OCCURRED_AT: moment.isoformat(), **headers}


def is_queued(message: CommandMessage) -> bool:
    """Whether it comes from the queue; otherwise its sender waits for the answer."""
    return is_of_stream(message.reply)


def reply_to(message: CommandMessage) -> str | None:
    """Where the answer goes; None where nobody asked for one, or it must not go there."""
    asked_for = _asked_for(message)
    return asked_for if asked_for and subjects.is_inbox(asked_for) else None


def wants_events(message: CommandMessage) -> bool:
    """Whether its sender asked to be told what the command led to."""
    return subjects.WITH_EVENTS in (message.headers or {})


def _asked_for(message: CommandMessage) -> str | None:
    if is_queued(message):
        return (message.headers or {}).get(subjects.REPLY_TO)
    return message.reply or None


def _check_id(aggregate: Aggregate) -> None:
    if not subjects.is_uuid(aggregate.id):
        raise UndecodableError(f"{aggregate.id!r} is not a UUID in lower case with hyphens")


def _check_reply_to(message: CommandMessage) -> None:
    """Who may send commands must not make the policy, which may write everywhere, write elsewhere."""
    if _asked_for(message) and reply_to(message) is None:
        raise UndecodableError("an answer cannot be sent to the reply subject")
