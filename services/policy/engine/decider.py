"""A decider: pure functions from a command and folded states to events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Generic, TypeVar
from uuid import UUID

from antiphon.events.message import Command, Event
from antiphon.events.outcome import Answer, Status
from antiphon.events.subjects import Aggregate
from antiphon.services.policy.engine.answers import answer
from antiphon.services.policy.engine.refusals import RefusedError

S = TypeVar("S")

Events = list[tuple[Aggregate, Event]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation(Generic[S]):
    """The input of a decision: the aggregate's state, related states, the time and the command's id."""

    aggregate: Aggregate
    state: S
    #: The states of the aggregates that `related` named.
    others: Mapping[Aggregate, Any] = field(default_factory=dict)
    now: datetime
    command_id: UUID

    @property
    def id(self) -> UUID:
        """The aggregate's id, where it is a UUID."""
        return _uuid(self.aggregate.id)

    @property
    def known(self) -> Mapping[Aggregate, Any]:
        """The states of the aggregate itself and of the others."""
        return {**self.others, self.aggregate: self.state}


@lru_cache(maxsize=4096)
def _uuid(text: str) -> UUID:
    return UUID(text)


@dataclass(frozen=True, slots=True)
class Decision:
    """Events for one or more aggregates: the log takes all of them or none.

    The events of the command's own aggregate come last. A decision without events is a refusal: `answer` says why,
    and the policy records it (antiphon.events.refusal).
    """

    events: tuple[tuple[Aggregate, Event], ...] = ()
    answer: Answer | None = None

    def __post_init__(self) -> None:
        if not self.events and self.answer is None:
            msg = "a decision needs events or an answer"
            raise ValueError(msg)


def refused(situation: Situation[Any], error: RefusedError) -> Decision:
    """The decision that tells the sender of a refused command."""
    return Decision(answer=Answer(**({"aggregate_id": situation.aggregate.id} | error.fields)))


def takes_no_command(command: Command, situation: Situation[Any]) -> Decision:
    """Refuse a command that the kind does not take."""
    raise RefusedError(Status.INVALID, f"{command.VERB} is not for a {situation.aggregate.kind}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decider(Generic[S]):
    """The functions of one kind of aggregate; all are pure, and `evolve` never raises."""

    initial: S
    evolve: Callable[[S, Event], S]
    #: The events of a command; raises RefusedError.
    decision: Callable[[Command, Situation[S]], Decision] = takes_no_command
    #: The other aggregates that the decision needs, perhaps repeated or with the command's own among them.
    needed: Callable[[Command, Situation[S]], Iterable[Aggregate]] = lambda command, situation: ()  # noqa: ARG005
    #: The answer to the command that caused `event`, given the state after it.
    answer: Callable[[Aggregate, S, Event], Answer] = answer
    #: Events that only commands for other aggregates cause: no command is answered from them.
    caused_elsewhere: tuple[type[Event], ...] = ()
    #: The version of the state in snapshots; raise it when `evolve` or the state's fields change.
    state_version: int = 1
    #: Version -> a function that brings the JSON state of a snapshot to the next version; without one it is discarded.
    upcasters: Mapping[int, Callable[[Any], Any]] = field(default_factory=dict)

    def decide(self, command: Command, situation: Situation[S]) -> Decision:
        """Events, or an answer that needs none."""
        try:
            return self.decision(command, situation)
        except RefusedError as error:
            return refused(situation, error)

    def related(self, command: Command, situation: Situation[S]) -> tuple[Aggregate, ...]:
        """The other aggregates that the decision needs; asked again until it names no new ones."""
        return tuple(key for key in dict.fromkeys(self.needed(command, situation)) if key != situation.aggregate)
