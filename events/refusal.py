"""The refusal of a command that no transition event records, so that each command has an outcome."""

from __future__ import annotations

from functools import cache

from pydantic import create_model

from antiphon.events.message import Event
from antiphon.events.outcome import Answer


class CommandRefused(Event):
    """A command that changed nothing: NOT_FOUND, CONFLICT, EXISTS, INVALID, or ABORT without a transition."""

    verb: str
    answer: Answer


@cache
def refusal_of(kind: str) -> type[CommandRefused]:
    """The event type of a kind: `<kind>.refused.command`."""
    return create_model(
        f"{kind.title().replace('_', '')}CommandRefused",
        __base__=CommandRefused,
        __doc__=CommandRefused.__doc__,
        __cls_kwargs__={"type": f"{kind}.refused.command"},
    )
