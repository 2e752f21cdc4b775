"""Given events, when a command, then events or a refusal: the deciders and projections as pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from antiphon.events.log.port import Recorded
from antiphon.events.message import Command, Event, Metadata
from antiphon.events.outcome import Answer, Status
from antiphon.events.subjects import Aggregate
from antiphon.projections.core.change import Change, Row, Statement, merge
from antiphon.projections.engine.projection import project
from antiphon.services.policy.engine.decider import Decision, Situation
from antiphon.services.policy.kinds.registry import DECIDERS
from antiphon.testing.memory import START

_REFUSED: Final = frozenset(Status) - {Status.ACCEPT, Status.CREATED, Status.UPDATED, Status.DELETED}


@dataclass(frozen=True)
class Scenario:
    """Events that happened, and the time. Immutable: each method returns another scenario."""

    #: As a subscriber receives them.
    recorded: tuple[Recorded, ...] = ()
    now: datetime = START
    #: The state of each aggregate that has events.
    states: Mapping[Aggregate, Any] = field(default_factory=dict)

    def given(self, aggregate_id: UUID | str, *events: Event) -> Scenario:
        """These events of an aggregate happened next; its kind is that of the events."""
        command_id = self._next_command_id
        return self._with([(Aggregate(_kind(event), str(aggregate_id)), event) for event in events], command_id)

    def at(self, now: datetime) -> Scenario:
        """It is this time."""
        return replace(self, now=now)

    def later(self, by: timedelta) -> Scenario:
        """Time has passed."""
        return replace(self, now=self.now + by)

    def state(self, kind: str, aggregate_id: UUID | str) -> Any:
        """The state of an aggregate, as its decider sees it."""
        return self._state(Aggregate(kind, str(aggregate_id)))

    def when(self, aggregate_id: UUID | str, command: Command, *, command_id: UUID | None = None) -> Conclusion:
        """Decide a command; states that it causes have `command_id` as their id.

        Raises AssertionError if the decider decides differently the second time.
        """
        key = Aggregate(command.KIND, str(aggregate_id))
        decider, others = DECIDERS[key.kind], dict[Aggregate, Any]()
        situation = Situation(
            aggregate=key,
            state=self._state(key),
            others=others,
            now=self.now,
            command_id=command_id or self._next_command_id,
        )
        while missing := [other for other in decider.related(command, situation) if other not in others]:
            others.update({other: self._state(other) for other in missing})
        decision = decider.decide(command, situation)
        if decision != decider.decide(command, situation):
            raise AssertionError(f"the decider of {key.kind} is not pure: it decides {command!r} differently each time")
        return Conclusion(self, key, decision, self._with(decision.events, situation.command_id))

    @property
    def changes(self) -> list[Change]:
        """The row changes that the projections make of the events, in order."""
        return [change for item in self.recorded for change in project(item)]

    def rows(self, table: str) -> dict[UUID, Row]:
        """The rows of a table that the events lead to, by id.

        Raises ValueError if an event needs an SQL statement, which only PostgreSQL can run: look at `changes`.
        """
        changes = self.changes
        if statements := [change.name for change in changes if isinstance(change, Statement)]:
            raise ValueError(f"only PostgreSQL can run the statements {', '.join(statements)}: look at `changes`")
        found: dict[UUID, Row] = {}
        # Without statements there is one step at most, and its moves are those of rows that do not exist.
        for step in merge(changes):
            for key, rows in step.puts.items():
                if key.name == table:
                    found |= rows
        return found

    @property
    def _next_command_id(self) -> UUID:
        return UUID(int=len(self.recorded) + 1)

    def _state(self, key: Aggregate) -> Any:
        return self.states.get(key, DECIDERS[key.kind].initial)

    def _with(self, events: Sequence[tuple[Aggregate, Event]], command_id: UUID) -> Scenario:
        metadata, states, recorded = Metadata(command_id, self.now), dict(self.states), list(self.recorded)
        for key, event in events:
            states[key] = DECIDERS[key.kind].evolve(states.get(key, DECIDERS[key.kind].initial), event)
            recorded.append(Recorded(len(recorded) + 1, key, event, metadata, self.now))
        return replace(self, recorded=tuple(recorded), states=states)


@dataclass(frozen=True)
class Conclusion:
    """What was decided; every `then_` method raises AssertionError if it was something else."""

    before: Scenario
    aggregate: Aggregate
    decision: Decision
    #: The scenario with the events of the decision.
    after: Scenario

    @property
    def events(self) -> list[Event]:
        """The new events of the command's own aggregate; `decision` has those of others too."""
        return [event for key, event in self.decision.events if key == self.aggregate]

    @property
    def event(self) -> Any:
        """The only new event of the command's own aggregate; raises AssertionError if there are more or none."""
        if len(self.events) != 1:
            raise AssertionError(f"expected one event\nbut decided {_listed(self.events)}\n{self.answer!r}")
        return self.events[0]

    @property
    def answer(self) -> Answer:
        """The answer to the command's sender."""
        decider, key = DECIDERS[self.aggregate.kind], self.aggregate
        state = self.before.states.get(key, decider.initial)
        found = self.decision.answer
        for event in self.events:
            state = decider.evolve(state, event)
            found = decider.answer(key, state, event)
        if found is None:
            raise AssertionError(f"the sender gets no answer: {self.decision}")
        return found

    def then(self, *expected: Event | type[Event]) -> Conclusion:
        """The aggregate has these new events and no others; a type stands for any event of it."""
        fits = len(expected) == len(self.events) and all(
            isinstance(event, one) if isinstance(one, type) else event == one
            for event, one in zip(self.events, expected, strict=True)
        )
        if not fits:
            raise AssertionError(f"expected {_listed(expected)}\nbut decided {_listed(self.events)}\n{self.answer!r}")
        return self

    def then_refused(self, by: str | Status) -> Answer:
        """The command was refused by this rule, or with this status where no rule did it; returns the answer."""
        if self.answer.status not in _REFUSED or by not in (self.answer.rule, self.answer.status):
            raise AssertionError(f"expected a refusal by {by}\nbut decided {_listed(self.events)}\n{self.answer!r}")
        return self.answer

    def when(self, aggregate_id: UUID | str, command: Command, *, command_id: UUID | None = None) -> Conclusion:
        """Decide another command, after the events of this decision."""
        return self.after.when(aggregate_id, command, command_id=command_id)


def given(aggregate_id: UUID | str, *events: Event) -> Scenario:
    """A scenario in which these events of one aggregate happened."""
    return Scenario().given(aggregate_id, *events)


def when(aggregate_id: UUID | str, command: Command, *, command_id: UUID | None = None) -> Conclusion:
    """Decide a command where nothing has happened yet."""
    return Scenario().when(aggregate_id, command, command_id=command_id)


def _kind(event: Event) -> str:
    return event.TYPE.partition(".")[0]


def _listed(events: Sequence[Event | type[Event]]) -> str:
    return ", ".join(event.__name__ if isinstance(event, type) else repr(event) for event in events) or "no event"
