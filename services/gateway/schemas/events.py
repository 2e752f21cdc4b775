"""Events that clients report."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field

from antiphon.services.gateway.schemas.moments import Moment


def _has_id(labels: dict[str, str]) -> dict[str, str]:
    if not labels.get("prefect.resource.id"):
        msg = "Resources must include the prefect.resource.id label"
        raise ValueError(msg)
    return labels


def _has_role(labels: dict[str, str]) -> dict[str, str]:
    if not labels.get("prefect.resource.role"):
        msg = "Related Resources must include the prefect.resource.role label"
        raise ValueError(msg)
    return labels


Resource = Annotated[dict[str, str], Field(max_length=500), AfterValidator(_has_id)]
RelatedResource = Annotated[Resource, AfterValidator(_has_role)]


class ReportedEvent(BaseModel):
    """Prefect's ReportedEvent."""

    occurred: Moment
    event: Annotated[str, Field(max_length=1024)]
    resource: Resource
    related: Annotated[list[RelatedResource], Field(max_length=100)] = Field(default_factory=list)
    payload: dict[str, Any] = Field(default_factory=dict)
    id: UUID
    follows: UUID | None = None
