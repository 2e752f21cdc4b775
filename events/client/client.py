"""The client: publish commands, request decisions, subscribe to events, replay them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Self
from uuid import UUID, uuid4

import nats.errors
from nats.aio.client import Client as NatsClient

from antiphon.events import codec, subjects
from antiphon.events.client import durable
from antiphon.events.client.reading import LogReader
from antiphon.events.client.verbs import FlowRunVerbs, FlowVerbs, TaskRunVerbs
from antiphon.events.errors import InvalidArgumentError
from antiphon.events.event_filter import ALL, EventFilter
from antiphon.events.log.errors import LogUnavailableError, TooLargeError
from antiphon.events.log.nats.batch import store
from antiphon.events.log.nats.connection import Outgoing, addresses, close
from antiphon.events.log.nats.jetstream import JetStreamLog
from antiphon.events.log.nats.replies import ReplyInbox
from antiphon.events.message import Command, Event, Metadata
from antiphon.events.outcome import Outcome
from antiphon.events.subjects import Aggregate

__all__ = ["ALL", "Client", "CommandEnvelope", "DecisionReply", "EventFilter"]

_BATCH: Final = 500
#: A request is sent again after this silence: the policy that had received it may have been killed.
_RETRY_SECONDS: Final = 3.0
_PAUSE_SECONDS: Final = 0.1


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


class Client(LogReader):
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
        #: Makes the ids of commands, and of what they create.
        self.new_id = new_id
        self._replies = ReplyInbox(connection)
        self._log = JetStreamLog(connection)

    @classmethod
    @asynccontextmanager
    async def connect(cls, url: str, *, timeout_seconds: float = 10.0) -> AsyncIterator[Self]:
        """A client with a connection of its own, closed at the end of the `async with` block.

        `url` may name several servers of a cluster, separated by commas. Raises LogUnavailableError if none answers in
        time; a connection that is lost later comes back by itself.
        """
        connection = NatsClient()
        try:
            try:
                # Without a limit nats-py would try for ever.
                async with asyncio.timeout(timeout_seconds):
                    await connection.connect(addresses(url), name="antiphon-client", max_reconnect_attempts=-1)
            except (TimeoutError, nats.errors.Error, OSError) as error:
                raise LogUnavailableError(f"no server answers at {url}: {error!r}") from error
            yield cls(connection, timeout_seconds=timeout_seconds)
        finally:
            await close(connection)

    async def publish(
        self, aggregate_id: UUID | str, command: Command, *, command_id: UUID | None = None, actor: str | None = None
    ) -> UUID:
        """Queue a command, and return its id once it is on disk; the decision follows as an event.

        Raises LogUnavailableError without a confirmation: publish it again with the same `command_id`.
        Raises TooLargeError for a command that is too large, InvalidArgumentError for an id with blanks in it.
        """
        envelope = CommandEnvelope(aggregate_id, command, command_id or self.new_id())
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
        try:
            await store(self._connection, self._replies, messages, self._timeout_seconds)
        except nats.errors.MaxPayloadError as error:
            raise self._too_large() from error
        except LogUnavailableError as error:
            if isinstance(error.__cause__, nats.errors.BadSubjectError):
                raise _no_id(messages) from error
            raise

    def _too_large(self) -> TooLargeError:
        return TooLargeError(f"too large: the server takes messages of {self._connection.max_payload} bytes")

    @property
    def flows(self) -> FlowVerbs[Coroutine[Any, Any, Outcome]]:
        """Commands about flows, as methods."""
        return FlowVerbs(self.decide, self.new_id)

    @property
    def flow_runs(self) -> FlowRunVerbs[Coroutine[Any, Any, Outcome]]:
        """Commands about flow runs, as methods."""
        return FlowRunVerbs(self.decide, self.new_id)

    @property
    def task_runs(self) -> TaskRunVerbs[Coroutine[Any, Any, Outcome]]:
        """Commands about task runs, as methods."""
        return TaskRunVerbs(self.decide, self.new_id)

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
        with the same `command_id`, is safe and returns the recorded outcome. Raises TooLargeError
        for a command that is too large, InvalidArgumentError for an id with blanks in it.
        """
        metadata = self._metadata(command_id or self.new_id(), actor, traceparent, command_digest)
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
            except nats.errors.MaxPayloadError as error:
                raise self._too_large() from error
            except nats.errors.BadSubjectError as error:
                raise _no_id([request]) from error
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

    def _durable(self, name: str, which: EventFilter) -> durable.DurableConsumer:
        return durable.DurableConsumer(self._connection, self._replies, name, which.subject, repr(which))

    async def delete_subscription(self, name: str) -> None:
        """Forget the position of a durable subscription; raises SubscriptionError if there is none."""
        await durable.delete(self._connection, name)


def _no_id(messages: Sequence[Outgoing]) -> InvalidArgumentError:
    return InvalidArgumentError(f"no command can be sent on {', '.join(subject for subject, _, _ in messages[:1])!r}")
