"""Filters on objects that do not exist yet: they are checked like Prefect's, and no row has what they ask for."""

from __future__ import annotations

from typing import ClassVar

from projections.filters.conditions import (
    FALSE,
    AnyId,
    AnyOrNotAnyId,
    AnyText,
    Leaf,
    Name,
    Operator,
    Parameters,
    TagsWithAny,
)
from projections.filters.objects import ObjectFilter


class Paused(Leaf):
    """`eq_`."""

    eq_: bool | None = None


class Like(Leaf):
    """`like_`."""

    like_: str | None = None


class ConcurrencyLimit(Leaf):
    """`ge_`, `le_`, `is_null_`: accepted and ignored by Prefect."""

    ge_: int | None = None
    le_: int | None = None
    is_null_: bool | None = None


class NameOrPrefix(AnyText):
    """`any_` and `startswith_`."""

    startswith_: list[str] | None = None


class AbsentFilter(ObjectFilter):
    """A filter on a kind of object of which there are none."""

    COLUMNS: ClassVar[dict[str, str]] = {}

    def sql(self, table: str, parameters: Parameters) -> str:  # noqa: ARG002  a filter's signature
        """Nothing is related to an object that does not exist."""
        return FALSE


class DeploymentFilter(AbsentFilter):
    """Prefect's DeploymentFilter."""

    id: AnyOrNotAnyId | None = None
    name: Name | None = None
    flow_or_deployment_name: Like | None = None
    paused: Paused | None = None
    tags: TagsWithAny | None = None
    work_queue_name: AnyText | None = None
    concurrency_limit: ConcurrencyLimit | None = None


class WorkPoolFilter(AbsentFilter):
    """Prefect's WorkPoolFilter."""

    id: AnyId | None = None
    name: AnyText | None = None
    type: AnyText | None = None


class WorkQueueFilter(AbsentFilter):
    """Prefect's WorkQueueFilter."""

    operator: Operator = Operator.and_
    id: AnyId | None = None
    name: NameOrPrefix | None = None
