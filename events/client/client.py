"""What users import: publish a command, await its decision, subscribe to what happens, replay what did."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self
from uuid import UUID, uuid4

import nats
import nats.errors
from nats.aio.client import Client as NatsClient

from antiphon.events import codec, subjects
from antiphon.events.client.run_context import Origins
from antiphon.events.event_filter import ALL, EventFilter
from antiphon.events.log.errors import LogUnavailableError
from antiphon.events.log.nats.batch import store
from antiphon.events.log.nats.connection import Outgoing
from antiphon.events.log.nats.jetstream import JetStreamLog
from antiphon.events.log.nats.replies import ReplyInbox
from antiphon.events.log.port import Recorded, Unreadable
from antiphon.events.log_position import Place
from antiphon.events.message import Command, Event, Metadata
from antiphon.events.outcome import Outcome
from antiphon.events.subjects import Aggregate

__all__ = ["ALL", "Addressed", "Client", "EventFilter", "Told"]

_BATCH: Final = 500
#: So many events are decoded at once: the objects of more are so many that Python collects garbage among them.
_DECODED: Final = 16
#: After this silence a question is asked again: whoever had it may have been killed.
_ASK_AGAIN_SECONDS: Final = 3.0
_NOBODY_SECONDS: Final = 0.1
#: What was recorded at a moment itself is not later than it.
_MOMENT: Final = timedelta(microseconds=1)


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Addressed:
    """A command with the id of the aggregate it is meant for, and its own id."""

    aggregate_id: UUID | str
    command: Command
    command_id: UUID

    @property
    def subject(self) -> str:
        """The subject it is published on."""
        return subjects.command(Aggregate(self.command.KIND, str(self.aggregate_id)), self.command.VERB)


@dataclass(frozen=True, slots=True)
class Told:
    """An outcome with the events of the command's aggregate that it led to, in order.

    There are none where the command had been decided before, where they are too large for one message, or of types that
    this version does not know.
    """

    outcome: Outcome
    events: tuple[Event, ...]
    #: That of the command, and of its events.
    occurred_at: datetime


class Client:
    """Speaks to Antiphon over NATS alone; safe to share between tasks."""

    def __init__(
        self,
        connection: NatsClient,
        *,
        timeout_seconds: float = 10.0,
        clock: Callable[[], datetime] = _utc_now,
        new_id: Callable[[], UUID] = uuid4,
    ) -> None:
        self._connection = connection
        self._timeout_seconds = timeout_seconds
        self._clock = clock
        self._new_id = new_id
        self._replies = ReplyInbox(connection)
        self._log = JetStreamLog(connection)

    @classmethod
    @asynccontextmanager
    async def connect(cls, url: str, *, timeout_seconds: float = 10.0) -> AsyncIterator[Self]:
        """A client with a connection of its own, closed at the end of the `async with` block."""
        connection = await nats.connect(url, name="antiphon-client", max_reconnect_attempts=-1)
        try:
            yield cls(connection, timeout_seconds=timeout_seconds)
        finally:
            await connection.close()

    async def publish(
        self, aggregate_id: UUID | str, command: Command, *, command_id: UUID | None = None, actor: str | None = None
    ) -> UUID:
        """Hand a command over and return its id once it is on disk; the decision comes as an event.

        Raises LogUnavailableError when nobody confirmed it: publish it again with the same `command_id`,
        and nats.errors.MaxPayloadError for a command that is too large.
        """
        addressed = Addressed(aggregate_id, command, command_id or self._new_id())
        headers = codec.command_headers(self._metadata(addressed.command_id, actor))
        await self._store([(addressed.subject, headers, codec.encode(command))])
        return addressed.command_id

    async def publish_many(self, commands: Iterable[Addressed], *, actor: str | None = None) -> None:
        """Hand many commands over, in order, in atomic batches of up to 500; returns when all are on disk.

        Raises LogUnavailableError like `publish`; batches before the failing one are on disk.
        """
        batch: list[Outgoing] = []
        for addressed in commands:
            headers = codec.command_headers(self._metadata(addressed.command_id, actor))
            # JetStream refuses a whole batch for one repeated id; the policy knows repetitions by itself.
            del headers[subjects.MESSAGE_ID]
            batch.append((addressed.subject, headers, codec.encode(addressed.command)))
            if len(batch) == _BATCH:
                await self._store(batch)
                batch = []
        if batch:
            await self._store(batch)

    async def _store(self, messages: Sequence[Outgoing]) -> None:
        await store(self._connection, self._replies, messages, self._timeout_seconds)

    async def decide(
        self,
        aggregate_id: UUID | str,
        command: Command,
        *,
        command_id: UUID | None = None,
        actor: str | None = None,
        traceparent: str | None = None,
    ) -> Outcome:
        """Hand a command over and wait for its decision.

        The command does not go through the queue: what acknowledges it is its outcome, which is on disk
        (docs/adr/0008). It is sent again while nobody answers.

        Raises LogUnavailableError when no decision came in time: it may yet have been made, and asking
        again with the same `command_id` is safe and gives the recorded outcome. Raises nats.errors.MaxPayloadError
        for a command that is too large, nats.errors.BadSubjectError for an id with blanks in it.
        """
        told = await self.ask(aggregate_id, command, command_id=command_id, actor=actor, traceparent=traceparent)
        return told.outcome

    async def ask(
        self,
        aggregate_id: UUID | str,
        command: Command,
        *,
        command_id: UUID | None = None,
        actor: str | None = None,
        traceparent: str | None = None,
        with_events: bool = False,
    ) -> Told:
        """The same, and be told the events too, if they are wanted."""
        metadata = self._metadata(command_id or self._new_id(), actor, traceparent)
        subject = subjects.request(Aggregate(command.KIND, str(aggregate_id)), command.VERB)
        headers = codec.command_headers(metadata)
        # Only for JetStream, which this does not pass through.
        del headers[subjects.MESSAGE_ID]
        if with_events:
            headers[subjects.WITH_EVENTS] = "true"
        answer = await self._answer((subject, headers, codec.encode(command)))
        outcome, events = codec.decode_reply(answer)
        return Told(outcome, events, metadata.occurred_at)

    async def _answer(self, question: Outgoing) -> bytes:
        """Ask until somebody answers: asking twice is safe, because the command id is the same."""
        deadline = asyncio.get_running_loop().time() + self._timeout_seconds
        try:
            while True:
                answer = await self._ask(question, deadline)
                if answer is not None:
                    return answer
        except (nats.errors.MaxPayloadError, nats.errors.BadSubjectError):
            raise
        except (TimeoutError, nats.errors.Error, OSError) as error:
            raise LogUnavailableError(f"no decision came in time: {error!r}") from error

    async def _ask(self, question: Outgoing, deadline: float) -> bytes | None:
        """The answer, or None when it is time to ask again; raises TimeoutError at the deadline."""
        again = asyncio.get_running_loop().time() + _ASK_AGAIN_SECONDS
        try:
            return (await self._replies.request(*question, until=min(again, deadline))).data
        except TimeoutError:
            if deadline <= again:
                raise
            return None
        except LogUnavailableError:
            # Nobody listens: a policy that was killed is back soon.
            async with asyncio.timeout_at(deadline):
                await asyncio.sleep(_NOBODY_SECONDS)
            return None

    def _metadata(self, command_id: UUID, actor: str | None, traceparent: str | None = None) -> Metadata:
        return Metadata(command_id=command_id, occurred_at=self._clock(), actor=actor, traceparent=traceparent)

    async def subscribe(
        self, which: EventFilter = ALL, from_position: int | None = None
    ) -> AsyncIterator[Recorded | Unreadable]:
        """Events as they happen, for ever, in log order, each once.

        `from_position` is the first position wanted, to go on after a break; absent means from now on.
        """
        after = await self.last_position() if from_position is None else from_position - 1
        async for batch in self._follow(which, after):
            for event in batch:
                yield event

    async def replay(
        self, which: EventFilter = ALL, from_position: int = 1, to_position: int | None = None
    ) -> AsyncIterator[Recorded | Unreadable]:
        """Events that have happened, from one position to another (both included; absent: to the end)."""
        end = await self.last_position()
        until = end if to_position is None else min(to_position, end)
        async for batch in self._follow(which, from_position - 1, until):
            for event in batch:
                yield event

    async def _follow(
        self, which: EventFilter, after: int, until: int | None = None
    ) -> AsyncIterator[list[Recorded | Unreadable]]:
        origins = Origins(self.history)
        async for batch in self._log.follow(after, subjects=which.subjects, until=until, most=_DECODED):
            if which.is_subject:
                yield list(batch)
            else:
                yield [item for item in batch if await _is_wanted(item, which, origins)]

    async def history(self, aggregate: Aggregate) -> Sequence[Recorded | Unreadable]:
        """All events of one aggregate, oldest first, also those that cannot be decoded."""
        return await self._log.history(aggregate)

    async def first_position(self, when: Place) -> int:
        """The position itself; or that of the first event recorded at this moment or later, behind the end if none."""
        return when if isinstance(when, int) else await self._log.position_at(when)

    async def last_position(self, when: Place | None = None) -> int:
        """The position itself; or that of the last event recorded by this moment; or of the newest, 0 for no events."""
        if when is None:
            return await self._log.last_position()
        return when if isinstance(when, int) else await self._log.position_at(when + _MOMENT) - 1


async def _is_wanted(item: Recorded | Unreadable, which: EventFilter, origins: Origins) -> bool:
    if isinstance(item, Unreadable):
        return subjects.matches(item.subject, which.subject)
    # Before anything is refused: every event of a run tells what it belongs to.
    belongs = not which.wants_origin or (await origins.of(item)).fits(which)
    return belongs and which.fits(item.event)
