"""Requests about states."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from antiphon.events.state import ProposedState, StateDetails
from antiphon.services.gateway.schemas.fields import Moment


class StateDetailsFields(StateDetails):
    """Prefect's StateDetails: unknown fields are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    scheduled_time: Moment | None = None
    cache_expiration: Moment | None = None
    pause_timeout: Moment | None = None


class StateCreate(ProposedState):
    """Prefect's StateCreate."""

    state_details: StateDetailsFields = StateDetailsFields()


class SetStateBody(BaseModel):
    """The body of `set_state`; unknown fields are ignored."""

    state: StateCreate
    force: bool = False
