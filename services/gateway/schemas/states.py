"""Requests about states."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from antiphon.events import state
from antiphon.events.state import StateType
from antiphon.services.gateway.schemas.moments import Moment
from antiphon.services.gateway.schemas.strict import StrictModel


class StateDetailsFields(state.StateDetails):
    """Prefect's StateDetails: unknown fields are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    scheduled_time: Moment | None = None
    cache_expiration: Moment | None = None
    pause_timeout: Moment | None = None


class StateCreate(StrictModel):
    """Prefect's StateCreate."""

    type: StateType
    name: str | None = None
    message: str | None = None
    data: Any = None
    state_details: StateDetailsFields = StateDetailsFields()

    @model_validator(mode="after")
    def _default_name(self) -> StateCreate:
        if self.name is None:
            self.name = self.type.value.capitalize()
        return self

    def proposed(self) -> state.ProposedState:
        """The state as a part of a command."""
        return state.ProposedState.model_construct(
            type=self.type, name=self.name, message=self.message, data=self.data, state_details=self.state_details
        )


class SetStateBody(BaseModel):
    """The body of `set_state`; unknown fields are ignored."""

    state: StateCreate
    force: bool = False
