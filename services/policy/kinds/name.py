"""The fold of a name and its owner. Decisions of other kinds claim and release names; no command does."""

from __future__ import annotations

from dataclasses import dataclass

from antiphon.events.message import Event
from antiphon.events.name.events import NameClaimed, NameReleased
from antiphon.services.policy.engine.decider import Decider


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


NAME: Decider[NameReservation] = Decider(initial=INITIAL, evolve=evolve)
