"""Requests about flows."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from antiphon.services.gateway.schemas.numbers import FINITE
from antiphon.services.gateway.schemas.strict import StrictModel

Labels = Annotated[dict[str, bool | int | float | str], FINITE]
#: Prefect forbids these characters, because names are parts of paths.
ResourceName = Annotated[str, StringConstraints(pattern=r"^[^/%&><]+$")]


class FlowCreate(StrictModel):
    """Prefect's FlowCreate."""

    name: ResourceName
    tags: list[str] = Field(default_factory=list)
    labels: Labels | None = Field(default_factory=dict)


class FlowUpdate(StrictModel):
    """Prefect's FlowUpdate."""

    tags: list[str] = Field(default_factory=list)
