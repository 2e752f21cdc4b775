"""Traces decisions: a span for each command, with the time it waited, was decided, and was appended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opentelemetry.trace import Span, SpanKind, StatusCode

from antiphon.services.policy.service.command_buffer import CommandBuffer
from antiphon.services.policy.service.command_message import CommandMessage, DecodedCommand
from antiphon.services.policy.service.group import Decided, Group, UndecidableError
from antiphon.services.policy.service.handler import Handler
from antiphon.services.runtime import clock
from antiphon.services.runtime.traces import Traces, traceparent_of


class Arrivals:
    """The moment at which each message arrived, until it is read."""

    def __init__(self) -> None:
        #: By identity: two messages may be equal.
        self._moments: dict[int, int] = {}

    def note(self, messages: Sequence[CommandMessage]) -> None:
        """Messages have arrived now."""
        moment = clock.nanoseconds()
        self._moments.update((id(message), moment) for message in messages)

    def take(self, message: CommandMessage) -> int:
        """The moment of a message, in nanoseconds since 1970; the present one if it was not noted."""
        return self._moments.pop(id(message), None) or clock.nanoseconds()


class TracedCommandBuffer(CommandBuffer):
    """A command buffer that notes the moment at which messages arrive."""

    def __init__(self, arrivals: Arrivals) -> None:
        super().__init__()
        self._arrivals = arrivals

    def take(self, messages: Sequence[CommandMessage]) -> None:
        """See CommandBuffer."""
        self._arrivals.note(messages)
        super().take(messages)


class TracedHandler(Handler):
    """A handler that traces each command from its arrival until its sender has the answer."""

    def __init__(self, *arguments: Any, traces: Traces, arrivals: Arrivals, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._traces = traces
        self._arrivals = arrivals
        #: By `traceparent`, which no two have in common.
        self._spans: dict[str, Span] = {}

    def _read(self, message: CommandMessage) -> DecodedCommand:
        arrived = self._arrivals.take(message)
        command = super()._read(message)
        span = self._traces.begin(
            f"decide {command.aggregate.kind}.{command.body.VERB}",
            command.metadata.traceparent,
            kind=SpanKind.CONSUMER,
            started=arrived,
            attributes={
                "messaging.system": "nats",
                "messaging.destination.name": message.subject,
                "antiphon.id": command.aggregate.id,
                "antiphon.command_id": str(command.id),
            },
        )
        traceparent = traceparent_of(span)
        self._traces.begin("wait", traceparent, started=arrived).end()
        self._spans[traceparent] = span
        # Its events carry it on to whoever reads them.
        return command._replace(metadata=command.metadata._replace(traceparent=traceparent))

    async def _decide(self, group: Group, command: DecodedCommand) -> None:
        with self._traces.within(command.metadata.traceparent, "decision"):
            await super()._decide(group, command)

    async def _append(self, group: Group) -> None:
        parents = [str(decided.command.metadata.traceparent) for decided in group.decided]
        about = {"antiphon.commands": len(group.decided), "antiphon.events": len(group.drafts)}
        with self._traces.together("append", parents, about):
            await super()._append(group)

    async def _answer(self, decided: Decided) -> None:
        span = self._spans.pop(str(decided.command.metadata.traceparent))
        outcome = decided.outcome
        span.set_attributes({"antiphon.status": outcome.status.value, "antiphon.position": outcome.position})
        try:
            await super()._answer(decided)
        finally:
            span.end()

    async def _park_undecidable(self, commands: Sequence[tuple[DecodedCommand, UndecidableError]]) -> None:
        spans = []
        for command, error in commands:
            span = self._spans.pop(str(command.metadata.traceparent))
            span.set_status(StatusCode.ERROR, str(error))
            spans.append(span)
        try:
            await super()._park_undecidable(commands)
        finally:
            for span in spans:
                span.end()
