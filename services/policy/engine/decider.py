"""A decider: pure functions from a command and folded states to events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Generic, TypeVar
from uuid import UUID

from antiphon.events.message import Command, Event
from antiphon.events.outcome import Answer, Status
from antiphon.events.subjects import Aggregate

S = TypeVar("S")


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


def refused(situation: Situation[Any], status: Status, reason: str) -> Decision:
    """Refuse a command that has no valid target or no meaning."""
    return Decision(answer=Answer(status=status, aggregate_id=situation.aggregate.id, reason=reason))


@dataclass(frozen=True, slots=True, kw_only=True)
class Decider(Generic[S]):
    """The functions of one kind of aggregate; all are pure, and `evolve` never raises."""

    initial: S
    evolve: Callable[[S, Event], S]
    decide: Callable[[Command, Situation[S]], Decision]
    #: The other aggregates the decision needs; asked again until it names no new ones.
    related: Callable[[Command, Situation[S]], tuple[Aggregate, ...]]
    #: The answer to the command that caused `event`, given the state after it.
    answer: Callable[[Aggregate, S, Event], Answer]
    #: Events that only commands for other aggregates cause: no command is answered from them.
    caused_elsewhere: tuple[type[Event], ...] = ()
    #: The version of the state in snapshots; raise it when `evolve` or the state's fields change.
    state_version: int = 1
    #: Version -> a function that brings the JSON state of a snapshot to the next version; without one it is discarded.
    upcasters: Mapping[int, Callable[[Any], Any]] = field(default_factory=dict)
