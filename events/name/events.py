"""What can have happened to a name: a reservation that makes something unique across the log.

The `TYPE` names below are stored in the log for ever: see docs/adr/0001.
"""

from __future__ import annotations

from typing import ClassVar

from antiphon.events.message import Event


class NameClaimed(Event):
    """`owner` (an aggregate id) holds the name; `name` is the text the aggregate's digest stands for."""

    TYPE: ClassVar[str] = "name.claimed"

    name: str
    owner: str


class NameReleased(Event):
    """Nobody holds the name any longer."""

    TYPE: ClassVar[str] = "name.released"
