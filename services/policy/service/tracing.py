"""Decisions as spans: how long a command waited, was decided, and was put into the log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from opentelemetry.trace import Span, SpanKind, StatusCode

from antiphon.services.policy.service.command_buffer import Intake
from antiphon.services.policy.service.command_message import Letter
from antiphon.services.policy.service.group import Group, Request
from antiphon.services.policy.service.handler import Handler, Mail
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

    async def _read(self, letter: Letter) -> Request | None:
        arrived = self._arrivals.take(letter)
        request = await super()._read(letter)
        if request is None:
            return None
        aggregate, command = request.aggregate, request.command
        span = self._traces.begin(
            f"decide {aggregate.kind}.{command.VERB}",
            request.metadata.traceparent,
            kind=SpanKind.CONSUMER,
            started=arrived,
            attributes={
                "messaging.system": "nats",
                "messaging.destination.name": letter.subject,
                "antiphon.id": aggregate.id,
                "antiphon.command_id": str(request.metadata.command_id),
            },
        )
        traceparent = traceparent_of(span)
        self._traces.begin("wait", traceparent, started=arrived).end()
        self._spans[traceparent] = span
        # Its events carry it on to whoever reads them.
        return replace(request, metadata=request.metadata._replace(traceparent=traceparent))

    async def _decide(self, group: Group, mail: Mail) -> Any:
        with self._traces.within(mail.request.metadata.traceparent, "decision"):
            return await super()._decide(group, mail)

    async def _append(self, group: Group, *, is_lone: bool = False) -> bool:
        parents = [str(item.request.metadata.traceparent) for item in group.pending.values()]
        about = {"antiphon.commands": len(group.pending), "antiphon.events": len(group.drafts)}
        with self._traces.together("append", parents, about):
            return await super()._append(group, is_lone=is_lone)

    async def _answer(self, mail: Mail, group: Group) -> None:
        span = self._spans.pop(str(mail.request.metadata.traceparent))
        try:
            outcome = group.outcome_of(mail.request)
            if isinstance(outcome, str):
                span.set_status(StatusCode.ERROR, outcome)
            else:
                span.set_attributes({"antiphon.status": outcome.status.value, "antiphon.position": outcome.position})
            await super()._answer(mail, group)
        finally:
            span.end()
