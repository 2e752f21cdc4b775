"""The events of names: reservations that make something unique across the log.

The types below are stored in the log and never change: see docs/adr/0001.
"""

from __future__ import annotations

from antiphon.events.message import Event


class NameClaimed(Event, type="name.claimed"):
    """`owner` (an aggregate id) holds the name; `name` is the text the aggregate's digest stands for."""

    name: str
    owner: str


class NameReleased(Event, type="name.released"):
    """The name is free again."""
