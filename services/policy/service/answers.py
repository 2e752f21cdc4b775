"""Answers to commands: reply to the sender, acknowledge the message, park what cannot be decided."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from antiphon.events.log.nats.parking import unhandled
from antiphon.events.message import Event
from antiphon.events.outcome import Outcome, Status
from antiphon.events.unhandled import Reason, Unhandled
from antiphon.services.policy.service import command_message
from antiphon.services.policy.service.command_message import CommandMessage
from antiphon.services.policy.service.group import Decided


class Undecided(NamedTuple):
    """A message that cannot be decided."""

    message: CommandMessage
    reason: Reason
    why: str
    #: Of the answer to its sender.
    status: Status


@dataclass(frozen=True, slots=True)
class Answers:
    """The order of effects: the events are in the log, then the reply, then the acknowledgement."""

    #: Sends an outcome, and the events that the sender asked for, to a reply subject.
    reply: Callable[[str, Outcome, Sequence[Event]], Awaitable[None]]
    acknowledge: Callable[[CommandMessage], Awaitable[None]]
    park: Callable[[Sequence[Unhandled]], Awaitable[None]]

    async def give(self, decided: Decided) -> None:
        """Answer a command whose events are in the log."""
        message = decided.command.message
        if reply_to := command_message.reply_to(message):
            events = decided.events if command_message.wants_events(message) else ()
            await self.reply(reply_to, decided.outcome, events)
        await self.acknowledge(message)

    async def put_aside(self, undecided: Sequence[Undecided]) -> None:
        """Park messages, and answer each sender unless the id that it gave is none."""
        await self.park([unhandled(message, reason, why) for message, reason, why, _ in undecided])
        for message, _, why, status in undecided:
            command_id = command_message.command_id(message)
            reply_to = command_message.reply_to(message)
            if reply_to and command_id:
                outcome = Outcome(status=status, aggregate_id="", reason=why, command_id=command_id, position=0)
                await self.reply(reply_to, outcome, ())
            await self.acknowledge(message)
