"""Selects events by subject, by content, and by the flow, deployment and tags of their run."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Final, Literal
from uuid import UUID

from antiphon.events import subjects, transition
from antiphon.events.codec import EVENT_TYPES
from antiphon.events.errors import InvalidArgumentError
from antiphon.events.message import Event
from antiphon.events.refusal import CommandRefused
from antiphon.events.state import State, StateType

Decision = Literal["accepted", "refused"]

#: The actions of the events of each kind.
_ACTIONS: Final = {
    kind: {name.partition(".")[2] for name in names}
    for kind, names in groupby(sorted(EVENT_TYPES), key=lambda name: name.partition(".")[0])
}


@dataclass(frozen=True, slots=True)
class EventFilter:
    """All of these conditions must hold; an empty filter selects all events.

    An event that cannot be decoded is selected by `kind`, `id` and `action` alone.
    """

    #: `flow_run`, `task_run`, `flow`, ...
    kind: str = "*"
    id: UUID | str = "*"
    #: `state.accepted`, `updated`, `deleted`, ...; or a wildcard: `state.*` for all events that wrote a state of a run,
    #: `refused.*` for all refusals that wrote none.
    action: str = ">"
    #: This flow, its runs, their task runs and inputs.
    flow: UUID | None = None
    #: Runs of this deployment, their task runs and inputs.
    deployment: UUID | None = None
    #: Flows, runs and task runs with all of these tags at the time of the event.
    tags: tuple[str, ...] = ()
    #: Events that wrote a state of this type, or, if they wrote none, proposed one.
    state_type: StateType | None = None
    #: Accepted transitions, or replaced, rejected, delayed and aborted ones.
    decision: Decision | None = None

    def __post_init__(self) -> None:
        """Raises InvalidArgumentError for a kind or action that no event has, for an id that no aggregate can have."""
        if self.kind not in ("*", *_ACTIONS):
            raise InvalidArgumentError(f"there is no kind {self.kind!r}: choose from {', '.join(sorted(_ACTIONS))}")
        if self.id != "*" and not subjects.is_token(str(self.id)):
            raise InvalidArgumentError(f"no id is {str(self.id)!r}")
        actions = _ACTIONS.get(self.kind) or set().union(*_ACTIONS.values())
        if not any(subjects.matches(action, self.action) for action in actions):
            raise InvalidArgumentError(
                f"no event has the action {self.action!r}: choose from {', '.join(sorted(actions))}"
            )

    @property
    def subject(self) -> str:
        """The NATS wildcard of `kind`, `id` and `action`; any NATS client can subscribe to it."""
        return f"evt.{self.kind}.{self.id}.{self.action}"

    @property
    def subjects(self) -> tuple[str, ...]:
        """The wildcards of all events that must be read."""
        # Events of other actions may change tags.
        return (f"evt.{self.kind}.{self.id}.>",) if self.needs_run_context else (self.subject,)

    @property
    def is_subject(self) -> bool:
        """Whether the subject decides alone."""
        return self.decision is None and self.state_type is None and not self.needs_run_context

    @property
    def needs_run_context(self) -> bool:
        """Whether the filter depends on the run that an event belongs to."""
        return self.flow is not None or self.deployment is not None or bool(self.tags)

    def fits(self, event: Event) -> bool:
        """Whether the content of an event meets the filter."""
        if self.action != ">" and not subjects.matches(event.action, self.action):
            return False
        if self.decision is not None and _decision(event) != self.decision:
            return False
        return self.state_type is None or self.state_type is _state_type(event)


ALL: Final = EventFilter()


def _decision(event: Event) -> Decision | None:
    if isinstance(event, transition.Accepted):
        return "accepted"
    return "refused" if isinstance(event, transition.TransitionRefused | CommandRefused) else None


def _state_type(event: Event) -> StateType | None:
    state = getattr(event, "state", None) or getattr(event, "proposed", None)
    return state.type if isinstance(state, State) else None
