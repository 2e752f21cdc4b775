"""The client: publish commands, request decisions, subscribe to events, replay them."""

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
from antiphon.events.client.run_context import RunContexts
from antiphon.events.event_filter import ALL, EventFilter
from antiphon.events.log.errors import LogUnavailableError, NoSuchPositionError
from antiphon.events.log.nats.batch import store
from antiphon.events.log.nats.connection import Outgoing, addresses, close
from antiphon.events.log.nats.jetstream import JetStreamLog
from antiphon.events.log.nats.replies import ReplyInbox
from antiphon.events.log.port import Recorded, Unreadable
from antiphon.events.log_position import LogPosition
from antiphon.events.message import Command, Event, Metadata
from antiphon.events.outcome import Outcome
from antiphon.events.subjects import Aggregate

__all__ = ["ALL", "Client", "CommandEnvelope", "DecisionReply", "EventFilter"]

_BATCH: Final = 500
#: Decode 16 events per batch; larger batches trigger garbage collection while their objects are still referenced.
_DECODED: Final = 16
#: A request is sent again after this silence: the policy that had received it may have been killed.
_RETRY_SECONDS: Final = 3.0
_PAUSE_SECONDS: Final = 0.1
#: An event recorded exactly at a moment belongs to it.
_MOMENT: Final = timedelta(microseconds=1)


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class CommandEnvelope:
    """A command with the id of its aggregate, and its own id."""

    aggregate_id: UUID | str
    command: Command
    command_id: UUID

    @property
    def subject(self) -> str:
        """The subject to publish it on."""
        return subjects.command(Aggregate(self.command.KIND, str(self.aggregate_id)), self.command.VERB)


@dataclass(frozen=True, slots=True)
class DecisionReply:
    """The outcome of a command, and the events of its aggregate that it led to, in order.

    There are no events if the command had been decided before, if they are too large for one message, or if this
    version does not know one of their types.
    """

    outcome: Outcome
    events: tuple[Event, ...]
    #: The time of the command and of its events.
    occurred_at: datetime


class Client:
    """Uses Antiphon over NATS alone; tasks may share it. It changes nothing about the connection."""

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
        """A client with a connection of its own, closed at the end of the `async with` block.

        `url` may name several servers of a cluster, separated by commas.
        """
        connection = await nats.connect(addresses(url), name="antiphon-client", max_reconnect_attempts=-1)
        try:
            yield cls(connection, timeout_seconds=timeout_seconds)
        finally:
            await close(connection)

    async def publish(
        self, aggregate_id: UUID | str, command: Command, *, command_id: UUID | None = None, actor: str | None = None
    ) -> UUID:
        """Queue a command, and return its id once it is on disk; the decision follows as an event.

        Raises LogUnavailableError without a confirmation: publish it again with the same `command_id`.
        Raises nats.errors.MaxPayloadError for a command that is too large.
        """
        envelope = CommandEnvelope(aggregate_id, command, command_id or self._new_id())
        headers = codec.command_headers(self._metadata(envelope.command_id, actor))
        await self._store([(envelope.subject, headers, codec.encode(command))])
        return envelope.command_id

    async def publish_many(self, commands: Iterable[CommandEnvelope], *, actor: str | None = None) -> None:
        """Queue many commands, in order, in atomic batches of up to 500; returns when all are on disk.

        Raises LogUnavailableError like `publish`; batches before the failing one are on disk.
        """
        batch: list[Outgoing] = []
        for envelope in commands:
            headers = codec.command_headers(self._metadata(envelope.command_id, actor))
            batch.append((envelope.subject, headers, codec.encode(envelope.command)))
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
        """Send a command, and wait for its decision; see `request`."""
        reply = await self.request(aggregate_id, command, command_id=command_id, actor=actor, traceparent=traceparent)
        return reply.outcome

    async def request(
        self,
        aggregate_id: UUID | str,
        command: Command,
        *,
        command_id: UUID | None = None,
        actor: str | None = None,
        traceparent: str | None = None,
        with_events: bool = False,
        command_digest: str | None = None,
    ) -> DecisionReply:
        """Send a command, and wait for its decision, with its events if asked for.

        A `command_digest` stands for what the caller was asked for, where its command has random parts: two commands
        with one id are the same if their digests, else their bodies are.

        The command does not pass through the queue: its outcome, which is on disk, acknowledges it
        (docs/adr/0001). It is sent again while there is no reply.

        Raises LogUnavailableError if no decision came in time: it may be made later, and the same request again,
        with the same `command_id`, is safe and returns the recorded outcome. Raises nats.errors.MaxPayloadError
        for a command that is too large, nats.errors.BadSubjectError for an id with blanks in it.
        """
        metadata = self._metadata(command_id or self._new_id(), actor, traceparent, command_digest)
        subject = subjects.request(Aggregate(command.KIND, str(aggregate_id)), command.VERB)
        headers = codec.command_headers(metadata)
        if with_events:
            headers[subjects.WITH_EVENTS] = "true"
        reply = await self._reply_to((subject, headers, codec.encode(command)))
        outcome, events = codec.decode_reply(reply)
        return DecisionReply(outcome, events, metadata.occurred_at)

    async def _reply_to(self, request: Outgoing) -> bytes:
        """Send a request until there is a reply: to send it twice is safe, because the command id is the same."""
        now = asyncio.get_running_loop().time
        deadline = now() + self._timeout_seconds
        while True:
            try:
                return (await self._replies.request(*request, until=min(deadline, now() + _RETRY_SECONDS))).data
            except (nats.errors.MaxPayloadError, nats.errors.BadSubjectError):
                raise
            except (TimeoutError, LogUnavailableError) as error:
                # A policy that was killed is back soon.
                if now() + _PAUSE_SECONDS >= deadline:
                    raise LogUnavailableError(f"no decision came in time: {error!r}") from error
                await asyncio.sleep(_PAUSE_SECONDS)
            except (nats.errors.Error, OSError) as error:
                raise LogUnavailableError(f"the command was not sent: {error!r}") from error

    def _metadata(
        self, command_id: UUID, actor: str | None, traceparent: str | None = None, command_digest: str | None = None
    ) -> Metadata:
        return Metadata(
            command_id=command_id,
            occurred_at=self._clock(),
            actor=actor,
            traceparent=traceparent,
            command_digest=command_digest,
        )

    async def subscribe(
        self, which: EventFilter = ALL, from_position: int | None = None
    ) -> AsyncIterator[Recorded | Unreadable]:
        """Events as they happen, for ever, in log order, each once.

        `from_position` is the first position, to continue after a break; without it only new events follow.
        Raises NoSuchPositionError for a position behind that of the next event.
        """
        if from_position is None:
            after = await self.last_position()
        else:
            after = await self.first_position(from_position) - 1
        async for batch in self._follow(which, after):
            for event in batch:
                yield event

    async def replay(
        self, which: EventFilter = ALL, from_position: int = 1, to_position: int | None = None
    ) -> AsyncIterator[Recorded | Unreadable]:
        """Past events from one position to another, both included; without `to_position` up to the end of the log."""
        end = await self.last_position()
        until = end if to_position is None else min(to_position, end)
        async for batch in self._follow(which, from_position - 1, until):
            for event in batch:
                yield event

    async def _follow(
        self, which: EventFilter, after: int, until: int | None = None
    ) -> AsyncIterator[list[Recorded | Unreadable]]:
        contexts = RunContexts(self.history)
        async for batch in self._log.follow(after, subjects=which.subjects, until=until, most=_DECODED):
            if which.is_subject:
                yield list(batch)
            else:
                yield [item for item in batch if await _is_wanted(item, which, contexts)]

    async def history(self, aggregate: Aggregate) -> Sequence[Recorded | Unreadable]:
        """All events of one aggregate, oldest first, including those that cannot be decoded."""
        return await self._log.history(aggregate)

    async def first_position(self, when: LogPosition) -> int:
        """A position as it is; for a time, that of the first event recorded then or later, or behind the end.

        Raises NoSuchPositionError for a time in the future, and for a position behind that of the next event.
        """
        if isinstance(when, int):
            return await self._existing(when, next_too=True)
        return await self._log.position_at(self._past(when))

    async def last_position(self, when: LogPosition | None = None) -> int:
        """A position as it is; for a time, that of the last event recorded by then; or the newest; 0 for none.

        Raises NoSuchPositionError for a position that no event has, and for a time in the future.
        """
        if when is None:
            return await self._log.last_position()
        if isinstance(when, int):
            return await self._existing(when)
        return await self._log.position_at(self._past(when) + _MOMENT) - 1

    async def _existing(self, position: int, *, next_too: bool = False) -> int:
        end = await self._log.last_position()
        if position > end + next_too:
            raise NoSuchPositionError(f"the log ends at position {end}")
        return position

    def _past(self, moment: datetime) -> datetime:
        if moment > self._clock():
            raise NoSuchPositionError(f"{moment.isoformat()} is in the future")
        return moment


async def _is_wanted(item: Recorded | Unreadable, which: EventFilter, contexts: RunContexts) -> bool:
    if isinstance(item, Unreadable):
        return subjects.matches(item.subject, which.subject)
    # First, whatever the filter says about the event: each event of a run may change its context.
    belongs = not which.needs_run_context or (await contexts.of(item)).fits(which)
    return belongs and which.fits(item.event)
