"""Keeps folded aggregates in memory, so that most decisions read nothing."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from antiphon.events.log.port import Recorded
from antiphon.events.message import Event
from antiphon.events.outcome import Answer, Outcome, Status
from antiphon.events.subjects import Aggregate
from antiphon.services.policy.kinds.registry import DECIDERS


@dataclass(slots=True)
class Fold:
    """An aggregate's state, the position of its last event, and what its commands were told."""

    state: Any
    position: int = 0
    #: By command id: a command that comes again is told the same.
    outcomes: dict[UUID, Outcome] = field(default_factory=dict)
    #: The command behind its last event.
    command_id: UUID | None = None
    #: How many of its events no snapshot shows.
    unkept: int = 0


def empty(aggregate: Aggregate) -> Fold:
    """The fold of an aggregate without events."""
    return Fold(DECIDERS[aggregate.kind].initial)


def told(aggregate: Aggregate, state: Any, event: Event, earlier: Answer | None) -> Answer:
    """What a command is told after one more of its events; a creation stays one when the first state follows."""
    answer = DECIDERS[aggregate.kind].answer(aggregate, state, event)
    if earlier is not None and earlier.status is Status.CREATED:
        return answer.changed(status=Status.CREATED)
    return answer


def fold(aggregate: Aggregate, events: Sequence[Recorded], begun: Fold | None = None) -> Fold:
    """Fold an aggregate's events, all or those behind `begun`, and recall what each of its commands was told."""
    result = begun or empty(aggregate)
    decider = DECIDERS[aggregate.kind]
    caused_elsewhere = decider.growing.caused_elsewhere if decider.growing else ()
    answers: dict[UUID, Answer] = {}
    for recorded in events:
        command_id = recorded.metadata.command_id
        result.state = decider.evolve(result.state, recorded.event)
        result.position = recorded.position
        result.command_id = command_id
        if isinstance(recorded.event, caused_elsewhere):
            continue
        answers[command_id] = told(aggregate, result.state, recorded.event, answers.get(command_id))
        result.outcomes[command_id] = Outcome.of(answers[command_id], command_id, recorded.position)
    result.unkept += len(events)
    return result


class FoldCache:
    """The folds used last, at most `capacity` of them. A cache only: the log's expectations are the fence."""

    def __init__(self, capacity: int = 50_000) -> None:
        self._capacity = capacity
        self._folds: OrderedDict[Aggregate, Fold] = OrderedDict()

    def get(self, aggregate: Aggregate) -> Fold | None:
        """The fold, if it is in memory."""
        found = self._folds.get(aggregate)
        if found is not None:
            self._folds.move_to_end(aggregate)
        return found

    def put(self, aggregate: Aggregate, value: Fold) -> Fold:
        """Keep a fold, and let the one go that was not used for longest."""
        self._folds[aggregate] = value
        if len(self._folds) > self._capacity:
            self._folds.popitem(last=False)
        return value

    def drop(self, aggregates: Iterable[Aggregate]) -> None:
        """Forget folds that may be wrong."""
        for aggregate in aggregates:
            self._folds.pop(aggregate, None)

    def __len__(self) -> int:
        return len(self._folds)
