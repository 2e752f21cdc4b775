"""Received messages, with headers that are parsed when they are first read."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

#: What bytes.strip takes off: nats-py strips names and values of headers with it.
_BLANKS: Final = " \t\n\r\x0b\f"
_HAS_SPACE: Final = re.compile(r"\s").search


class Received:
    """A message; immutable by convention."""

    __slots__ = ("_headers", "block", "data", "reply", "subject")

    def __init__(
        self, subject: str, reply: str, data: bytes, block: bytes = b"", headers: dict[str, str] | None = None
    ) -> None:
        self.subject = subject
        #: The reply subject; empty if there is none.
        self.reply = reply
        self.data = data
        #: The headers as they were received; empty if there are none, or if nats-py has parsed them.
        self.block = block
        self._headers = headers

    @property
    def headers(self) -> dict[str, str]:
        """The headers, as nats-py would parse them; a status of the server is in Status and Description."""
        if self._headers is None:
            self._headers = parse_headers(self.block)
        return self._headers


class Delivered(Received):
    """A message of a JetStream stream, as a consumer delivers it."""

    __slots__ = ("nanoseconds", "position")

    def __init__(self, message: Received, position: int, nanoseconds: int) -> None:
        super().__init__(message.subject, message.reply, message.data, message.block, message._headers)  # noqa: SLF001
        #: The sequence in the stream.
        self.position = position
        #: The time it was stored, since 1970, UTC.
        self.nanoseconds = nanoseconds


class StreamPlace(NamedTuple):
    """The place of a message in its stream."""

    stream: str
    sequence: int
    #: The time it was stored, since 1970, UTC.
    nanoseconds: int


def is_of_stream(reply: str) -> bool:
    """Whether a message with this reply subject was delivered from a stream."""
    return reply.startswith("$JS.ACK.")


def place_of(reply: str) -> StreamPlace | None:
    """The place that the reply subject of a delivered message names; None for a message of no stream."""
    if not is_of_stream(reply):
        return None
    # $JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<nanoseconds>.<pending>; servers that
    # know domains add two tokens before the stream.
    tokens = reply.split(".")
    stream, _, _, sequence, _, nanoseconds, *_ = tokens[4 if len(tokens) > 9 else 2 :]
    return StreamPlace(stream, int(sequence), int(nanoseconds))


def parse_headers(block: bytes) -> dict[str, str]:
    """Parse a block of headers as nats-py does."""
    first, *lines = block.decode(errors="replace").split("\r\n")
    found: dict[str, str] = {}
    status = first.removeprefix("NATS/1.0").strip(_BLANKS)
    if status:
        found["Status"], _, found["Description"] = status.partition(" ")
    for line in lines:
        name, colon, value = line.partition(":")
        name = name.strip(_BLANKS)
        if colon and name.isascii() and not _HAS_SPACE(name):
            found[name] = value.strip(_BLANKS)
    return found
