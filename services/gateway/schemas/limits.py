"""Requests about concurrency limits."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from antiphon.events.limit.commands import MOST_AT_ONCE
from antiphon.events.limit.slots import Decay
from antiphon.events.numbers import Count, Number
from antiphon.services.gateway.schemas.fields import ResourceName, StrictModel


class LimitCreate(StrictModel):
    """Prefect's ConcurrencyLimitV2Create."""

    active: bool = True
    name: ResourceName
    limit: Count
    active_slots: Count = 0
    denied_slots: Count = 0
    slot_decay_per_second: Decay = 0


class LimitUpdate(StrictModel):
    """Prefect's ConcurrencyLimitV2Update."""

    active: bool | None = None
    name: ResourceName | None = None
    limit: Count | None = None
    active_slots: Count | None = None
    denied_slots: Count | None = None
    slot_decay_per_second: Decay | None = None


class TagLimitCreate(StrictModel):
    """Prefect's ConcurrencyLimitCreate."""

    tag: str
    concurrency_limit: Number


#: Task runs that take over the slots.
Override = Annotated[list[UUID] | None, Field(max_length=MOST_AT_ONCE)]
Names = Annotated[list[str], Field(max_length=MOST_AT_ONCE)]
