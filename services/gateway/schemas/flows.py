"""Requests about flows."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from antiphon.services.gateway.schemas.numbers import FINITE

Labels = Annotated[dict[str, bool | int | float | str], FINITE]
#: Prefect forbids these characters, because names are parts of paths.
ResourceName = Annotated[str, StringConstraints(pattern=r"^[^/%&><]+$")]


class FlowCreate(BaseModel):
    """Prefect's FlowCreate."""

    model_config = ConfigDict(extra="forbid")

    name: ResourceName
    tags: list[str] = Field(default_factory=list)
    labels: Labels | None = Field(default_factory=dict)


class FlowUpdate(BaseModel):
    """Prefect's FlowUpdate."""

    model_config = ConfigDict(extra="forbid")

    tags: list[str] = Field(default_factory=list)
