"""Messages to a projection on core NATS, with JSON bodies; no stream stores them."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel


class Hurry(BaseModel):
    """A reader waits for a position: the projection must not wait for more events."""

    position: int


class Heal(BaseModel):
    """A request to project an event stream from its parked event on."""

    #: `evt.<kind>.<id>`
    event_stream: str


class Healed(BaseModel):
    """The reply to Heal."""

    #: The number of events that were projected.
    events: int = 0
    error: str | None = None


class Yield(BaseModel):
    """A request to release the projector's lock, for a rebuild; the reply is empty."""


#: By the last token of the subject.
PROJECTION_MESSAGES: Final[dict[str, type[BaseModel]]] = {"heal": Heal, "hurry": Hurry, "yield": Yield}
