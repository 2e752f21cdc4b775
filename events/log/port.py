"""The log port: what the rest of Antiphon may ask of the log."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple, Protocol

from antiphon.events.message import Event, Metadata
from antiphon.events.subjects import Aggregate


@dataclass(frozen=True, slots=True)
class Draft:
    """An event about to be appended; `index` counts the events of one command from 0."""

    aggregate: Aggregate
    event: Event
    metadata: Metadata
    index: int
    #: The append is refused if the aggregate has events already: what is created needs no read first.
    is_first: bool = False


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


class EventLog(Protocol):
    """An append-only, totally ordered log of events, grouped into one stream per aggregate."""

    async def append(self, drafts: Sequence[Draft], *, after: int) -> range:
        """Append 1 to MAX_DRAFTS events behind the position `after`; returns their positions when they are on disk.

        The log takes all drafts or none. Raises ConflictError when the log does not end at `after`, or when an
        aggregate is not new that should be, LogUnavailableError when it is not known whether the events are in the log,
        TooLargeError when an event is larger than the log takes.
        """

    def read(self, aggregate: Aggregate, *, since: int = 1) -> AsyncIterator[Recorded]:
        """All events of one aggregate from a position on, oldest first, read page by page.

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


class SnapshotStore(Protocol):
    """Keeps the last snapshot of each aggregate. A cache: losing it costs only the time of a replay."""

    async def get(self, aggregate: Aggregate) -> bytes | None:
        """The last snapshot, if there is one."""

    async def put(self, aggregate: Aggregate, snapshot: bytes) -> None:
        """Replace the last snapshot; its events must be in the log."""

    def all(self) -> AsyncIterator[tuple[Aggregate, bytes]]:
        """The last snapshot of each aggregate."""
