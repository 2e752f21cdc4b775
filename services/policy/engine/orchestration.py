"""Runs an ordered table of rules over a proposed transition, the way Prefect's engine nests them.

Rules are entered in order. A rule takes part only while the transition is still the one that was
proposed: after a rule has replaced or dropped the proposed state, the rules behind it are skipped.
When all have spoken, after-effects run from the last rule back to the first; a rule whose transition
was taken away by a later one undoes its effects instead (docs/prefect/rules.md section 1).
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

#: What comes right after something else comes so much later.
TICK: Final = timedelta(microseconds=1)

#: `None` stands for a run that has no state yet.
StateKind = StateType | None

ANY: Final[frozenset[StateKind]] = frozenset({*StateType, None})
TERMINAL: Final[frozenset[StateKind]] = frozenset(TERMINAL_TYPES)


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
        # Due from the moment it is asked for; the state that says so comes after.
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
    """A transition being decided: rules read it, and change what is proposed or refuse it."""

    def __init__(self, *, initial: State | None, proposed: State, now: datetime, command_id: UUID) -> None:
        self.initial = initial
        #: As it was asked for; rules change `proposed`.
        self.requested = proposed
        self.proposed: State | None = proposed
        self.now = now
        self.command_id = command_id
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
        """Note whose turn it is, so that a refusal names its rule."""
        self._acting = rule_name

    def reject(self, reason: str, instead: State | None = None) -> None:
        """Refuse the proposed state; `instead` is where the run goes, by default it stays."""
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
            # After the state it replaces.
            timestamp=self.now + TICK,
            message=message,
            data=data,
            state_details=details or StateDetails(),
        )


T = TypeVar("T", bound=Transition)


def nothing(_: Any) -> None:
    """The after-effect of rules that have none."""


@dataclass(frozen=True, slots=True, eq=False)
class Rule(Generic[T]):
    """One row of a policy: between which types it holds, and what it does to such a transition."""

    name: str
    from_types: frozenset[StateKind]
    to_types: frozenset[StateKind]
    before: Callable[[T], None]
    #: Once the transition is settled, if it is still this rule's.
    after: Callable[[T], None] = nothing
    #: Once it is settled, if a later rule took it away.
    undo: Callable[[T], None] = nothing


@cache
def _between(policy: tuple[Rule[Any], ...], pair: tuple[StateKind, StateKind]) -> tuple[Rule[Any], ...]:
    """The rules of a policy that hold between two types: the same few for most transitions."""
    return tuple(rule for rule in policy if pair[0] in rule.from_types and pair[1] in rule.to_types)


def enter(policy: Sequence[Rule[T]], transition: T) -> list[Rule[T]]:
    """Let the rules of a policy speak, in order; returns those whose after-effects are still theirs to have.

    Hand the result to `leave` when the run's fields have been computed.
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
    """Let the rules have their after-effects, the last one first."""
    for rule in reversed(settled):
        transition.begin(rule.name)
        rule.after(transition)
