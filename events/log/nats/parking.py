"""Stores messages that cannot be handled in the stream PARKED, with their error, to be looked at and replayed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Final, Protocol

from nats.aio.client import Client

from antiphon.events import codec, subjects
from antiphon.events.log.errors import DuplicateError
from antiphon.events.log.nats.batch import store
from antiphon.events.log.nats.connection import Outgoing, is_header_name, size_of
from antiphon.events.log.nats.delivered import place_of
from antiphon.events.log.nats.replies import ReplyInbox
from antiphon.events.unhandled import Reason, Unhandled, one_line

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
#: JetStream takes up to 1000 messages in one atomic batch.
_MAX_MESSAGES: Final = 500
_MAX_BYTES: Final = 4_000_000
_TIMEOUT_SECONDS: Final = 10.0
_OTHER: Final = "other"
_SOURCES: Final = frozenset({"ask", "cmd", "evt", "obs", "scheduled"})
#: The sender of a command chooses its kind: a subject of ours has one of these, so that there are few of them.
_KINDS: Final = frozenset(
    {kind for kind, _ in codec.COMMAND_TYPES} | {name.partition(".")[0] for name in codec.EVENT_TYPES}
) | {"log", "presence"}


class Arrived(Protocol):
    """A message as it was received."""

    @property
    def subject(self) -> str:
        """What it was published on."""

    @property
    def reply(self) -> str:
        """The reply subject; that of a message of a stream says where it stands."""

    @property
    def headers(self) -> Mapping[str, str] | None:
        """Its headers."""

    @property
    def data(self) -> bytes:
        """Its body."""


def unhandled(message: Arrived, reason: Reason, error: str) -> Unhandled:
    """A received message that cannot be handled."""
    place = place_of(message.reply)
    if place is not None:
        identifier = f"{place.stream}:{place.sequence}"
    else:
        # No stream holds it. A sender that has no answer repeats the same message.
        digest = sha256(repr((message.subject, sorted((message.headers or {}).items()))).encode() + message.data)
        identifier = f"sha256:{digest.hexdigest()}"
    return Unhandled(identifier, message.subject, message.headers, message.data, reason, error)


class Parking:
    """Stores the messages that one consumer cannot handle."""

    def __init__(self, client: Client, consumer: str) -> None:
        self._client = client
        self._consumer = consumer
        self._replies = ReplyInbox(client)

    async def park(self, messages: Iterable[Unhandled]) -> None:
        """Store messages, several hundred by one append; parking one again does nothing.

        With its error a message may be larger than the server accepts: then its longest headers or the end of its body
        are dropped.

        Raises LogUnavailableError if they are not stored: then they must not be acknowledged.
        """
        # A batch takes an id once.
        for batch in _batches({message.id: self._outgoing(message) for message in messages}.values()):
            try:
                await self._store(batch)
            except DuplicateError:
                await asyncio.gather(*(self._store([message]) for message in batch))

    async def _store(self, batch: Sequence[Outgoing]) -> None:
        await store(self._client, self._replies, batch, _TIMEOUT_SECONDS)

    def _outgoing(self, message: Unhandled) -> Outgoing:
        kept = {
            f"{RENAMED}{name}" if name.startswith("Nats-") else name: value
            for name, value in _publishable(message.headers)
        } | {
            subjects.MESSAGE_ID: f"{self._consumer}:{message.id}",
            ORIGINAL_SUBJECT: subjects.printable(message.subject),
            ERROR: one_line(message.error),
        }
        data, room = message.data, self._client.max_payload - size_of(kept) - _ROOM
        if len(data) > room:
            kept[ORIGINAL_LENGTH] = str(len(data))
            data = data[:room]
        source, kind = [*message.subject.split(".", 2), ""][:2]
        return (
            subjects.parked(
                self._consumer,
                message.reason,
                source if source in _SOURCES else _OTHER,
                kind if kind in _KINDS else _OTHER,
            ),
            kept,
            data,
        )


def _batches(messages: Iterable[Outgoing]) -> Iterator[Sequence[Outgoing]]:
    batch, size = list[Outgoing](), 0
    for message in messages:
        if len(batch) == _MAX_MESSAGES or (batch and size + len(message[2]) > _MAX_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += len(message[2])
    if batch:
        yield batch


def _publishable(headers: Mapping[str, str] | None) -> list[tuple[str, str]]:
    """The headers that can be published, without the longest if they are too long together."""
    named = [(name, value) for name, value in (headers or {}).items() if is_header_name(name)]
    kept = sorted(named, key=lambda item: len(item[0]) + len(item[1]))
    while size_of(dict(kept)) > _MAX_HEADERS:
        kept.pop()
    return kept
