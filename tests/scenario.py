"""Given / when / then for deciders: events that happened, a command, what is decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from antiphon.events.message import Command, Event
from antiphon.events.outcome import Answer
from antiphon.events.subjects import Aggregate
from antiphon.services.policy.engine.decider import Decider, Decision, Situation
from tests.examples import COMMAND_ID, NOW


@dataclass(frozen=True, slots=True)
class Decided:
    """What a command led to."""

    decision: Decision
    aggregate: Aggregate

    def own(self) -> list[Event]:
        """The events of the command's own aggregate."""
        return [event for aggregate, event in self.decision.events if aggregate == self.aggregate]

    def then(self, *expected: Event) -> None:
        """These events, and no others, are the aggregate's own."""
        assert self.own() == list(expected)

    def then_nothing(self) -> Answer:
        """No event; returns the answer."""
        assert self.decision.events == ()
        assert self.decision.answer is not None
        return self.decision.answer

    def only(self) -> Any:
        """The aggregate's only event."""
        (event,) = self.own()
        return event


@dataclass(frozen=True)
class Scenario:
    """A decider and what it is told besides: given events, other aggregates, the time."""

    decider: Decider[Any]
    aggregate: Aggregate
    events: Sequence[Event] = ()
    others: Mapping[Aggregate, Any] = field(default_factory=dict)
    now: datetime = NOW

    def given(self, *events: Event) -> Scenario:
        """These happened before."""
        return replace(self, events=(*self.events, *events))

    def beside(self, others: Mapping[Aggregate, Any]) -> Scenario:
        """These are the states of other aggregates."""
        return replace(self, others={**self.others, **others})

    def at(self, now: datetime) -> Scenario:
        """It is this time."""
        return replace(self, now=now)

    @property
    def state(self) -> Any:
        """What the events fold to."""
        state = self.decider.initial
        for event in self.events:
            state = self.decider.evolve(state, event)
        return state

    def when(self, command: Command, command_id: UUID = COMMAND_ID) -> Decided:
        """Decide; deciding twice must give the same."""
        situation = Situation(
            aggregate=self.aggregate, state=self.state, others=self.others, now=self.now, command_id=command_id
        )
        assert set(self.decider.related(command, situation)) <= set(self.others), "the scenario lacks a related state"
        decision = self.decider.decide(command, situation)
        assert decision == self.decider.decide(command, situation)
        return Decided(decision, self.aggregate)
