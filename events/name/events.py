"""The events of names: reservations that make something unique across the log.

The `TYPE` names below are stored in the log and never change: see docs/adr/0001.
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
    """The name is free again."""

    TYPE: ClassVar[str] = "name.released"
