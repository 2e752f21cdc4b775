"""Commands as they lie on the policy's desk, and a desk in memory that notes what becomes of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from antiphon.events import codec, subjects
from antiphon.events.log.memory import MemorySnapshots
from antiphon.events.log.port import EventLog, SnapshotStore
from antiphon.events.message import Command, Event, Metadata
from antiphon.events.outcome import Outcome
from antiphon.events.subjects import Aggregate
from antiphon.events.unhandled import Unhandled
from antiphon.services.policy.service.answers import Answers
from antiphon.services.policy.service.command_message import CommandMessage
from antiphon.services.policy.service.handler import Handler
from antiphon.services.runtime.clock import ManualClock
from tests.examples import NOW


@dataclass(frozen=True, slots=True)
class Question:
    """A command whose sender waits for the answer on `reply`."""

    subject: str
    reply: str
    headers: dict[str, str] | None
    data: bytes


def question(aggregate_id: UUID, command: Command, command_id: UUID) -> Question:
    """A command as a client sends it."""
    subject = subjects.request(Aggregate(command.KIND, str(aggregate_id)), command.VERB)
    headers = codec.command_headers(Metadata(command_id=command_id, occurred_at=NOW))
    return Question(subject, f"answer.{command_id}", headers, codec.encode(command))


class CrashError(Exception):
    """The process ended here."""


@dataclass
class Desk:
    """A handler with what it replied, acknowledged and parked; may crash where it is told to."""

    log: EventLog
    crash_at: str = ""
    made: Callable[..., Handler] = Handler
    snapshots: SnapshotStore = field(default_factory=MemorySnapshots)
    replies: dict[str, list[Outcome]] = field(default_factory=dict)
    #: What was told with the last reply.
    events: dict[str, list[Event]] = field(default_factory=dict)
    acknowledged: list[CommandMessage] = field(default_factory=list)
    parked: list[Unhandled] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.handler = self.made(
            self.log,
            Answers(self._reply, self._acknowledge, self._park),
            self.snapshots,
            clock=ManualClock(NOW),
        )

    async def handle(self, *letters: Question) -> list[Outcome]:
        """Handle letters as one batch, and return the last answer to each."""
        await self.work(letters)
        return [self.replies[letter.reply][-1] for letter in letters]

    async def work(self, *batches: Sequence[CommandMessage]) -> None:
        """Handle batches that come one right after the other."""

        async def coming() -> AsyncIterator[Sequence[CommandMessage]]:
            for batch in batches:
                yield batch

        await self.handler.work(coming())

    async def _reply(self, subject: str, outcome: Outcome, events: Sequence[Event]) -> None:
        self._crash("reply")
        self.replies.setdefault(subject, []).append(outcome)
        self.events[subject] = list(events)

    async def _acknowledge(self, letter: CommandMessage) -> None:
        self._crash("acknowledge")
        self.acknowledged.append(letter)

    async def _park(self, letters: Sequence[Unhandled]) -> None:
        self.parked += letters

    def _crash(self, place: str) -> None:
        if self.crash_at == place:
            raise CrashError(place)
