"""Prefect's filter on deployments, and the leaves that only it has."""

from __future__ import annotations

from typing import ClassVar

from projections.filters.conditions import AnyOrNotAnyId, AnyText, Leaf, Name, Parameters, TagsWithAny
from projections.filters.objects import ObjectFilter


class Paused(Leaf):
    """`eq_`."""

    eq_: bool | None = None

    def conditions(self, column: str, parameters: Parameters) -> list[str]:
        """See Leaf."""
        return [] if self.eq_ is None else [f"{column} = {parameters.bind(self.eq_)}"]


class FlowOrDeploymentName(Leaf):
    """`like_` on the name of the deployment, or of its flow."""

    like_: str | None = None

    def conditions(self, column: str, parameters: Parameters) -> list[str]:
        """See Leaf."""
        if not self.like_:
            return []
        part = parameters.bind(f"%{self.like_}%")
        flow = f"EXISTS (SELECT FROM flow AS f WHERE f.id = {column}.flow_id AND f.name ILIKE {part})"
        return [f"({column}.name ILIKE {part} OR {flow})"]


class ConcurrencyLimit(Leaf):
    """`ge_`, `le_`, `is_null_`: accepted and ignored by Prefect."""

    ge_: int | None = None
    le_: int | None = None
    is_null_: bool | None = None

    def conditions(self, column: str, parameters: Parameters) -> list[str]:  # noqa: ARG002  a leaf's signature
        """See Leaf."""
        return []


class DeploymentFilter(ObjectFilter):
    """Prefect's DeploymentFilter."""

    COLUMNS: ClassVar[dict[str, str]] = {"flow_or_deployment_name": "{t}"}

    id: AnyOrNotAnyId | None = None
    name: Name | None = None
    flow_or_deployment_name: FlowOrDeploymentName | None = None
    paused: Paused | None = None
    tags: TagsWithAny | None = None
    work_queue_name: AnyText | None = None
    concurrency_limit: ConcurrencyLimit | None = None
