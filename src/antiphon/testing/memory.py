"""Antiphon in memory: the real policy decides on a log that lives as long as the test, without servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final, NamedTuple

from antiphon.events import codec
from antiphon.events.client.client import Client
from antiphon.events.client.durable import DurableConsumer
from antiphon.events.event_filter import EventFilter
from antiphon.events.log.errors import SubscriptionError
from antiphon.events.log.memory import MemoryLog, MemorySnapshots
from antiphon.events.message import Event
from antiphon.events.outcome import Outcome
from antiphon.events.unhandled import Unhandled
from antiphon.services.policy.service.answers import Answers
from antiphon.services.policy.service.command_message import CommandMessage
from antiphon.services.policy.service.handler import Handler
from antiphon.services.runtime.clock import ManualClock
from antiphon.services.runtime.ids import uuid4

START: Final = datetime(2026, 1, 1, tzinfo=UTC)
_REPLY_TO: Final = "_INBOX.memory"


class _Sent(NamedTuple):
    """A `CommandMessage` as the client sends it."""

    subject: str
    reply: str
    headers: dict[str, str]
    data: bytes


class MemoryPolicy:
    """The policy's handler on a log in memory: decides one message after the other."""

    def __init__(self, clock: ManualClock) -> None:
        self.log = MemoryLog(clock)
        #: Messages that could not be decided, oldest first.
        self.parked: list[Unhandled] = []
        self._reply = b""
        self._deciding = asyncio.Lock()
        answers = Answers(self._keep_reply, _acknowledge, self._park)
        self._handler = Handler(self.log, answers, MemorySnapshots(), clock=clock)

    async def decide(self, subject: str, headers: Mapping[str, str], data: bytes) -> bytes:
        """Decide the command in a message, and return the encoded reply."""
        async with self._deciding:
            self._reply = b""
            await self._handler.work(_alone(_Sent(subject, _REPLY_TO, dict(headers), data)))
            return self._reply

    async def _keep_reply(self, _: str, outcome: Outcome, events: Sequence[Event]) -> None:
        self._reply = codec.encode_reply(outcome, events)

    async def _park(self, messages: Sequence[Unhandled]) -> None:
        self.parked += messages


async def _acknowledge(_: CommandMessage) -> None:
    """No queue waits for it."""


async def _alone(message: CommandMessage) -> AsyncIterator[Sequence[CommandMessage]]:
    yield [message]


class MemoryClient(Client):
    """The client, with its own Antiphon in memory behind it.

    A published command is decided before `publish` returns: a test needs no waiting.
    """

    def __init__(self, clock: ManualClock) -> None:
        #: The time of the commands, of the policy and of the log; it stands still until it is moved.
        self.clock = clock
        self._clock = clock
        self.new_id = uuid4
        self._policy = MemoryPolicy(clock)
        self._log = self._policy.log  # type: ignore[assignment]  # the same methods, without a server

    @property
    def parked(self) -> Sequence[Unhandled]:
        """The messages that the policy could not decide, oldest first."""
        return self._policy.parked

    def _durable(self, name: str, which: EventFilter) -> DurableConsumer:  # noqa: ARG002  nothing is kept
        raise SubscriptionError(f"{name}: no server keeps a position here; leave the name out")

    async def delete_subscription(self, name: str) -> None:
        """There is none: nothing in memory has a name."""
        raise SubscriptionError(f"there is no subscription {name}")

    async def _store(self, messages: Sequence[tuple[str, Mapping[str, str], bytes]]) -> None:
        for message in messages:
            await self._policy.decide(*message)

    async def _reply_to(self, request: tuple[str, Mapping[str, str], bytes]) -> bytes:
        return await self._policy.decide(*request)


@asynccontextmanager
async def memory(now: datetime = START) -> AsyncIterator[MemoryClient]:
    """A client of an empty Antiphon that exists only in this process; `client.clock` begins at `now`."""
    yield MemoryClient(ManualClock(now))
