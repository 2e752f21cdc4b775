"""The fold of a name and its owner. Decisions of other kinds claim and release names; no command does."""

from __future__ import annotations

from dataclasses import dataclass

from antiphon.events.message import Command, Event
from antiphon.events.name.events import NameClaimed, NameReleased
from antiphon.events.outcome import Answer, Status
from antiphon.events.subjects import Aggregate
from antiphon.services.policy.engine.decider import Decider, Decision, Situation, refused


@dataclass(frozen=True, slots=True)
class NameReservation:
    """A reservation; without an owner the name is free."""

    owner: str | None = None

    @property
    def exists(self) -> bool:
        """Whether the name is taken."""
        return self.owner is not None


INITIAL = NameReservation()


def evolve(name: NameReservation, event: Event) -> NameReservation:
    """The reservation after `event`."""
    match event:
        case NameClaimed():
            return NameReservation(event.owner)
        case NameReleased():
            return INITIAL
        case _:
            return name


def decide(command: Command, situation: Situation[NameReservation]) -> Decision:  # noqa: ARG001  a decider's signature
    """Never called: no command addresses a name."""
    return refused(situation, Status.INVALID, "Names are claimed by what they name.")


def related(command: Command, situation: Situation[NameReservation]) -> tuple[Aggregate, ...]:  # noqa: ARG001
    """No other aggregate."""
    return ()


def answer(aggregate: Aggregate, name: NameReservation, event: Event) -> Answer:  # noqa: ARG001
    """The answer to a command that also claimed or released a name."""
    return Answer(status=Status.UPDATED, aggregate_id=aggregate.id)


NAME: Decider[NameReservation] = Decider(initial=INITIAL, evolve=evolve, decide=decide, related=related, answer=answer)
