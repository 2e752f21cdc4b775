"""Which events a request asks for, and from where on, as query parameters."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from events.client import Client
from events.event_filter import Decision, EventFilter
from events.state import StateType
from services.gateway.problems import invalid

#: Part of a subject: what could be a wildcard or another token is none.
_Token = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,128}$")]
_MOMENT: Final = TypeAdapter(datetime)
#: The largest sequence that JetStream counts to.
_LAST: Final = 2**63 - 1


class Selection(BaseModel):
    """The filter of a stream or a replay; tags may be given several times, and must all be there."""

    model_config = ConfigDict(extra="forbid")

    kind: _Token | None = None
    id: _Token | None = None
    action: _Token | None = None
    flow: UUID | None = None
    deployment: UUID | None = None
    tag: list[str] = Field(default_factory=list)
    state_type: StateType | None = None
    decision: Decision | None = None
    #: A position, or a time.
    start: str | None = Field(default=None, alias="from")

    @property
    def which(self) -> EventFilter:
        """As the log is asked."""
        return EventFilter(
            kind=self.kind or "*",
            id=self.id or "*",
            action=self.action or "*",
            flow=self.flow,
            deployment=self.deployment,
            tags=tuple(self.tag),
            state_type=self.state_type,
            decision=self.decision,
        )


Selected = Annotated[Selection, Query()]


async def first_position(client: Client, text: str, name: str = "from") -> int:
    """The position that a text names: itself, or the first one at or after the time it tells."""
    moment = moment_or_position(text, name)
    return moment if isinstance(moment, int) else await client.position_at(moment)


def moment_or_position(text: str, name: str) -> int | datetime:
    """A position as a number, from 1; or a time, in UTC where it has no zone. Raises ProblemError for neither."""
    if text.isdigit():
        position = int(text[:20])
        if not 1 <= position <= _LAST:
            raise invalid(f"{name}: positions are from 1 to {_LAST}")
        return position
    try:
        moment = _MOMENT.validate_strings(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValidationError, OverflowError):
        raise invalid(f"{name}: {text!r} is neither a position nor a time") from None
