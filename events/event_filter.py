"""Which events somebody wants: by their subject, by what they say, by what their run belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from antiphon.events import subjects, transition
from antiphon.events.message import Event
from antiphon.events.state import State, StateType

Decision = Literal["accepted", "refused"]


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Events that meet all of these; without any, all events.

    What cannot be decoded is given to everybody whose `kind`, `id` and `action` it fits: nobody can say that it
    is not what was asked for.
    """

    #: `flow_run`, `task_run`, `flow`, ...
    kind: str = "*"
    id: UUID | str = "*"
    #: `state.accepted`, `updated`, `deleted`, ...; or a wildcard: `state.*` for all events that wrote a state of a run,
    #: `refused.*` for all refusals that wrote none.
    action: str = ">"
    #: Of this flow, its runs, their task runs and inputs.
    flow: UUID | None = None
    #: Of the runs of this deployment, their task runs and inputs.
    deployment: UUID | None = None
    #: Of what had all of these tags when it happened.
    tags: tuple[str, ...] = ()
    #: Events that wrote a state of this type; or proposed one, where none was written.
    state_type: StateType | None = None
    #: Transitions that were accepted; or were replaced, rejected, delayed or aborted.
    decision: Decision | None = None

    @property
    def subject(self) -> str:
        """The NATS wildcard that `kind`, `id` and `action` make; any NATS client can subscribe to it."""
        return f"evt.{self.kind}.{self.id}.{self.action}"

    @property
    def subjects(self) -> tuple[str, ...]:
        """The wildcards of the events that must be read to answer."""
        # Tags change by events of other actions, which must be seen.
        return (f"evt.{self.kind}.{self.id}.>",) if self.wants_origin else (self.subject,)

    @property
    def is_subject(self) -> bool:
        """Whether it takes no more than the subject to answer."""
        return self.decision is None and self.state_type is None and not self.wants_origin

    @property
    def wants_origin(self) -> bool:
        """Whether it takes more than the event itself to answer."""
        return self.flow is not None or self.deployment is not None or bool(self.tags)

    def fits(self, event: Event) -> bool:
        """Whether an event says what was asked for, as far as the event alone tells."""
        if self.action != ">" and not subjects.matches(event.TYPE.partition(".")[2], self.action):
            return False
        if self.decision is not None and _decision(event) != self.decision:
            return False
        return self.state_type is None or self.state_type is _state_type(event)


ALL: Final = EventFilter()


def _decision(event: Event) -> Decision | None:
    if isinstance(event, transition.Accepted):
        return "accepted"
    return "refused" if isinstance(event, transition.TransitionRefused) else None


def _state_type(event: Event) -> StateType | None:
    state = getattr(event, "state", None) or getattr(event, "proposed", None)
    return state.type if isinstance(state, State) else None
