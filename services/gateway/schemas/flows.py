"""Requests about flows."""

from __future__ import annotations

from pydantic import Field

from antiphon.services.gateway.schemas.fields import Labels, ResourceName, StrictModel


class FlowCreate(StrictModel):
    """Prefect's FlowCreate."""

    name: ResourceName
    tags: list[str] = Field(default_factory=list)
    labels: Labels | None = Field(default_factory=dict)


class FlowUpdate(StrictModel):
    """Prefect's FlowUpdate."""

    tags: list[str] = Field(default_factory=list)
