"""The filter and the start of a subscription, as query parameters."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Self
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, model_validator

from antiphon.events.event_filter import Decision, EventFilter
from antiphon.events.log_position import LogPosition, parse
from antiphon.events.state import StateType
from antiphon.services.gateway.http.errors import unprocessable

#: A token of a subject: without wildcards and dots.
_Token = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,128}$")]
#: One token or two, the second of which may be `*`.
_Action = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,128}(\.([A-Za-z0-9_-]{1,128}|\*))?$")]


class Selection(BaseModel):
    """The filter of a stream or a replay; an event must have all tags."""

    model_config = ConfigDict(extra="forbid")

    kind: _Token | None = None
    id: _Token | None = None
    action: _Action | None = None
    flow: UUID | None = None
    deployment: UUID | None = None
    tag: list[str] = Field(default_factory=list)
    state_type: StateType | None = None
    decision: Decision | None = None
    #: A position, or a time.
    start: str | None = Field(default=None, alias="from")

    @model_validator(mode="after")
    def _selects_something(self) -> Self:
        # An unknown kind or action is a ValueError.
        _ = self.which
        return self

    @property
    def which(self) -> EventFilter:
        """The same filter for the client of the log."""
        given = self.model_dump(exclude_unset=True, exclude={"start", "tag"})
        return EventFilter(**given, tags=tuple(self.tag))


Selected = Annotated[Selection, Query()]


async def position_of(text: str, name: str, position: Callable[[LogPosition], Awaitable[int]]) -> int:
    """The position of the position or time in the parameter `name`; raises 422 for other text."""
    try:
        return await position(parse(text))
    except ValueError as error:
        raise unprocessable(f"{name}: {error}") from None
