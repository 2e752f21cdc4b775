"""The log port: what the rest of Antiphon may ask of the log."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple, Protocol

from antiphon.events.log.errors import LogError
from antiphon.events.message import Event, Metadata
from antiphon.events.subjects import Aggregate


@dataclass(frozen=True, slots=True)
class Draft:
    """An event about to be appended; `index` counts the events of one command from 0."""

    aggregate: Aggregate
    event: Event
    metadata: Metadata
    index: int


class AsStored(Protocol):
    """A message of the log as it stands there, byte for byte."""

    @property
    def subject(self) -> str:
        """What it was published on."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Its headers."""

    @property
    def data(self) -> bytes:
        """Its body."""


class Stored(NamedTuple):
    """A message as it stands in the log, as a value."""

    subject: str
    headers: Mapping[str, str]
    data: bytes


@dataclass(slots=True, unsafe_hash=True)
class Recorded:
    """An event in the log, at its position: the sequence in the JetStream stream, from 1, without gaps.

    Not to be changed; a frozen one would take three times as long to make, and a replay makes one for each message.
    """

    position: int
    aggregate: Aggregate
    event: Event
    metadata: Metadata
    #: The log's own clock, UTC.
    recorded_at: datetime
    #: What it was decoded from, where the log keeps bytes.
    stored: AsStored | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message in the log that cannot be decoded, as it stands there."""

    position: int
    subject: str
    headers: Mapping[str, str]
    data: bytes
    error: str
    #: The log's own clock, UTC; absent where the log is only imagined.
    recorded_at: datetime | None = None


#: JetStream takes up to 1000 messages in one atomic batch (ADR-50); half of it leaves room.
MAX_DRAFTS: Final = 500
#: No bound on what is read at once.
ANY: Final = 2**31


def check_drafts(drafts: Sequence[Draft], expected: Mapping[Aggregate, int]) -> None:
    """Raises LogError for an append that no log takes, which is a bug of whoever made it."""
    if len(drafts) > MAX_DRAFTS:
        raise LogError(f"{len(drafts)} drafts in one append; the most is {MAX_DRAFTS}")
    written = {draft.aggregate for draft in drafts}
    only_read = expected.keys() - written
    # The first draft of an aggregate carries what is expected of it, any other may carry one expectation more.
    free = len(drafts) - len(written & expected.keys())
    if drafts and len(only_read) > free:
        raise LogError(f"no draft is free to carry the expectation about {only_read}")


class EventLog(Protocol):
    """An append-only, totally ordered log of events, grouped into one stream per aggregate."""

    async def append(self, drafts: Sequence[Draft], expected: Mapping[Aggregate, int]) -> Sequence[int]:
        """Append all drafts (at most MAX_DRAFTS) or none, and return their positions, when they are on disk.

        `expected` holds the last position of each aggregate named in it, 0 for none; it may
        name aggregates that are only read, if at least that many drafts are not the first of their
        own aggregate (JetStream carries one expectation per message).

        Raises ConflictError when an aggregate has moved on, LogUnavailableError when nobody answers,
        TooLargeError when an event is larger than the log takes.
        """

    async def read(self, aggregate: Aggregate, *, since: int = 1) -> Sequence[Recorded]:
        """All events of one aggregate from a position on, oldest first.

        Raises UndecodableError if one cannot be read.
        """

    def follow(
        self, after: int, *, subjects: Sequence[str] = (), until: int | None = None, most: int = ANY
    ) -> AsyncIterator[Sequence[Recorded | Unreadable]]:
        """Events with a position above `after`, in order, in batches of at least one, and of `most` at the most.

        Waits for new ones, for ever, or stops once everything up to the position `until` was given.
        `subjects` are NATS wildcards that select events; none selects all.
        """

    async def last_position(self) -> int:
        """The position of the newest event, 0 for an empty log."""
