"""Runs an ordered table of rules over a proposed transition, the way Prefect's engine nests them.

Rules are entered in order. A rule takes part only while the transition is still the one that was
proposed: after a rule has replaced or dropped the proposed state, the rules behind it are skipped.
After all rules, after-effects run from the last rule back to the first; a rule whose transition
a later rule changed undoes its effects instead (docs/prefect/rules.md section 1).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

from antiphon.events import ids
from antiphon.events.outcome import Status
from antiphon.events.state import TERMINAL as TERMINAL_TYPES
from antiphon.events.state import ProposedState, State, StateDetails, StateType
from antiphon.services.policy.engine.decider import Situation

#: The smallest step of time between two consecutive states.
TICK: Final = timedelta(microseconds=1)

#: A delay is at most 1,900 years: the year of a time has four digits.
_LONGEST_SECONDS: Final = 6e10

#: `None` stands for a run that has no state yet.
StateKind = StateType | None

ANY: Final[frozenset[StateKind]] = frozenset({*StateType, None})
TERMINAL: Final[frozenset[StateKind]] = frozenset(TERMINAL_TYPES)


def delay_of(seconds: float) -> timedelta:
    """A delay that a client asks for, however long."""
    return timedelta(seconds=max(-_LONGEST_SECONDS, min(seconds, _LONGEST_SECONDS)))


def types(*kinds: StateType) -> frozenset[StateKind]:
    """A set of state types, for the columns of a rule table."""
    return frozenset(kinds)


def all_but(*kinds: StateKind) -> frozenset[StateKind]:
    """Every state type, and none at all, except these."""
    return ANY - frozenset(kinds)


def state_from(proposed: ProposedState, state_id: UUID, now: datetime) -> State:
    """The proposed state with id, timestamp and Prefect's defaults."""
    details, timestamp = proposed.state_details, now
    if proposed.type is StateType.SCHEDULED and details.scheduled_time is None:
        # As in Prefect, the scheduled time defaults to now, and the state's timestamp must be later.
        details, timestamp = details.model_copy(update={"scheduled_time": now}), now + TICK
    name = proposed.name or proposed.type.value.capitalize()
    return State(
        id=state_id,
        type=proposed.type,
        name=name,
        timestamp=timestamp,
        message=proposed.message,
        data=proposed.data,
        state_details=details,
    )


class Transition:
    """A transition under decision: rules read it, change the proposed state or refuse it."""

    def __init__(self, situation: Situation[Any], proposed: ProposedState) -> None:
        self.initial: State | None = situation.state.state
        self.now = situation.now
        self.command_id = situation.command_id
        #: The state as the caller proposed it; rules change `proposed`.
        self.requested = state_from(proposed, self.command_id, self.now)
        self.proposed: State | None = self.requested
        self.status = Status.ACCEPT
        self.rule: str | None = None
        self.reason = ""
        self.delay_seconds = 0
        self.adjusted_by: list[str] = []
        self._acting = ""

    @property
    def pair(self) -> tuple[StateKind, StateKind]:
        """The types of the present state and of the state still proposed."""
        return (
            self.initial.type if self.initial else None,
            self.proposed.type if self.proposed else None,
        )

    def begin(self, rule_name: str) -> None:
        """Remember the current rule, so that a refusal names it."""
        self._acting = rule_name

    def reject(self, reason: str, instead: State | None = None) -> None:
        """Refuse the proposed state; the run moves to `instead`, or stays."""
        self._refuse(Status.REJECT, reason)
        self.proposed = instead

    def abort(self, reason: str) -> None:
        """Refuse the proposed state, and tell the caller to give up."""
        self._refuse(Status.ABORT, reason)
        self.proposed = None

    def wait(self, delay_seconds: int, reason: str) -> None:
        """Refuse the proposed state for now."""
        self._refuse(Status.WAIT, reason)
        self.delay_seconds = delay_seconds
        self.proposed = None

    def _refuse(self, status: Status, reason: str) -> None:
        self.status, self.rule, self.reason = status, self._acting, reason

    def rename(self, name: str) -> None:
        """Give the proposed state another name; later rules stay in force."""
        self._adjust({"name": name})

    def set_details(self, **values: Any) -> None:
        """Change fields of the proposed state's details; later rules stay in force."""
        if self.proposed is not None:
            self._adjust({"state_details": self.proposed.state_details.model_copy(update=values)})

    def _adjust(self, values: dict[str, Any]) -> None:
        if self.proposed is None:
            return
        adjusted = self.proposed.model_copy(update=values)
        if adjusted != self.proposed:
            self.proposed = adjusted
            self.adjusted_by.append(self._acting)

    def replacement(
        self,
        state_type: StateType,
        name: str | None = None,
        message: str | None = None,
        *,
        data: Any = None,
        details: StateDetails | None = None,
    ) -> State:
        """A state to move the run to instead of the proposed one."""
        return State(
            id=ids.derived(self.command_id, "replacement"),
            type=state_type,
            name=name or state_type.value.capitalize(),
            # The timestamp must be later than that of the replaced state.
            timestamp=self.now + TICK,
            message=message,
            data=data,
            state_details=details or StateDetails(),
        )


T = TypeVar("T", bound=Transition)


def nothing(_: Any) -> None:
    """The effect of rules that have none."""


@dataclass(frozen=True, slots=True, eq=False)
class Rule(Generic[T]):
    """One row of a policy: the types of state that it covers, and its effects."""

    name: str
    from_types: frozenset[StateKind]
    to_types: frozenset[StateKind]
    before: Callable[[T], None] = nothing
    #: Runs after all rules, if no later rule changed the transition.
    after: Callable[[T], None] = nothing
    #: Runs after all rules, if a later rule changed the transition.
    undo: Callable[[T], None] = nothing


@cache
def _between(policy: tuple[Rule[Any], ...], pair: tuple[StateKind, StateKind]) -> tuple[Rule[Any], ...]:
    """The rules of a policy that cover two types; cached, because most transitions repeat a few pairs."""
    return tuple(rule for rule in policy if pair[0] in rule.from_types and pair[1] in rule.to_types)


def enter(policy: Sequence[Rule[T]], transition: T) -> list[Rule[T]]:
    """Apply the rules of a policy in order; returns the rules whose effects `leave` must complete or undo.

    Pass the result to `leave` after the run's fields have been computed.
    """
    original = transition.pair
    entered: list[tuple[Rule[T], tuple[StateKind, StateKind]]] = []
    for rule in _between(tuple(policy), original):
        if transition.pair != original:
            break
        transition.begin(rule.name)
        rule.before(transition)
        # A rule that replaced the state itself goes on with its replacement.
        entered.append((rule, transition.pair))
    settled = []
    for rule, pair in entered:
        if pair == transition.pair:
            settled.append(rule)
        else:
            rule.undo(transition)
    return settled


def leave(settled: Sequence[Rule[T]], transition: T) -> None:
    """Run the after-effects of the rules, from the last to the first."""
    for rule in reversed(settled):
        transition.begin(rule.name)
        rule.after(transition)
