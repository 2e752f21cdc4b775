"""Events that clients report."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field

from antiphon.services.gateway.schemas.fields import Moment


def _must_include(what: str, label: str) -> AfterValidator:
    def check(labels: dict[str, str]) -> dict[str, str]:
        if not labels.get(label):
            raise ValueError(f"{what} must include the {label} label")
        return labels

    return AfterValidator(check)


Resource = Annotated[dict[str, str], Field(max_length=500), _must_include("Resources", "prefect.resource.id")]
RelatedResource = Annotated[Resource, _must_include("Related Resources", "prefect.resource.role")]


class ReportedEvent(BaseModel):
    """Prefect's ReportedEvent."""

    occurred: Moment
    event: Annotated[str, Field(max_length=1024)]
    resource: Resource
    related: Annotated[list[RelatedResource], Field(max_length=100)] = Field(default_factory=list)
    payload: dict[str, Any] = Field(default_factory=dict)
    id: UUID
    follows: UUID | None = None
