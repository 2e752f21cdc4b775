"""Decisions as spans: how long a command waited, was decided, and was put into the log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opentelemetry.trace import Span, SpanKind, StatusCode

from antiphon.events.outcome import Answer
from antiphon.services.policy.service.command_buffer import Intake
from antiphon.services.policy.service.command_message import Letter
from antiphon.services.policy.service.group import DecidedCommand, Group
from antiphon.services.policy.service.handler import Append, Command, Handler
from antiphon.services.runtime import clock
from antiphon.services.runtime.traces import Traces, traceparent_of


class Arrivals:
    """When each letter arrived, until it is read."""

    def __init__(self) -> None:
        #: A letter is only known by itself: two may say the same.
        self._moments: dict[int, int] = {}

    def note(self, letters: Sequence[Letter]) -> None:
        """They are here."""
        moment = clock.nanoseconds()
        self._moments.update((id(letter), moment) for letter in letters)

    def take(self, letter: Letter) -> int:
        """When it arrived; now, if nobody noted it."""
        return self._moments.pop(id(letter), None) or clock.nanoseconds()


class TracedIntake(Intake):
    """Notes when letters arrive."""

    def __init__(self, arrivals: Arrivals) -> None:
        super().__init__()
        self._arrivals = arrivals

    def take(self, messages: Sequence[Letter]) -> None:
        """See Intake."""
        self._arrivals.note(messages)
        super().take(messages)


class TracedHandler(Handler):
    """A handler that tells of each command, from its arrival until its sender is answered."""

    def __init__(self, *arguments: Any, traces: Traces, arrivals: Arrivals, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._traces = traces
        self._arrivals = arrivals
        #: By `traceparent`, which no two have in common.
        self._spans: dict[str, Span] = {}

    async def _read(self, message: Letter) -> Command | None:
        arrived = self._arrivals.take(message)
        read = await super()._read(message)
        if read is None:
            return None
        request = read.request
        aggregate, command = request.aggregate, request.command
        span = self._traces.begin(
            f"decide {aggregate.kind}.{command.VERB}",
            request.metadata.traceparent,
            kind=SpanKind.CONSUMER,
            started=arrived,
            attributes={
                "messaging.system": "nats",
                "messaging.destination.name": message.subject,
                "antiphon.id": aggregate.id,
                "antiphon.command_id": str(request.metadata.command_id),
            },
        )
        traceparent = traceparent_of(span)
        self._traces.begin("wait", traceparent, started=arrived).end()
        self._spans[traceparent] = span
        # Its events carry it on to whoever reads them.
        return Command(message, request._replace(metadata=request.metadata._replace(traceparent=traceparent)))

    async def _decide(self, group: Group, command: Command, refuse_with: Answer | None = None) -> DecidedCommand:
        with self._traces.within(command.request.metadata.traceparent, "decision"):
            return await super()._decide(group, command, refuse_with)

    async def _append(self, append: Append) -> None:
        parents = [str(command.request.metadata.traceparent) for command in append.commands]
        about = {"antiphon.commands": len(append.commands), "antiphon.events": len(append.group.drafts)}
        with self._traces.together("append", parents, about):
            await super()._append(append)

    async def _give(self, command: Command, decided: DecidedCommand) -> None:
        span = self._spans.pop(str(command.request.metadata.traceparent))
        try:
            outcome = decided.outcome
            span.set_attributes({"antiphon.status": outcome.status.value, "antiphon.position": outcome.position})
            await super()._give(command, decided)
        finally:
            span.end()

    async def _park_command(self, command: Command, why: str) -> None:
        span = self._spans.pop(str(command.request.metadata.traceparent))
        try:
            span.set_status(StatusCode.ERROR, why)
            await super()._park_command(command, why)
        finally:
            span.end()
