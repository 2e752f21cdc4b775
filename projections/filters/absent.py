"""Filters on objects that do not exist yet: they are checked like Prefect's, and no row has what they ask for."""

from __future__ import annotations

from typing import ClassVar

from projections.filters.conditions import (
    FALSE,
    AnyId,
    AnyText,
    Operator,
    Parameters,
)
from projections.filters.objects import ObjectFilter


class NameOrPrefix(AnyText):
    """`any_` and `startswith_`."""

    startswith_: list[str] | None = None


class AbsentFilter(ObjectFilter):
    """A filter on a kind of object of which there are none."""

    COLUMNS: ClassVar[dict[str, str]] = {}

    def sql(self, table: str, parameters: Parameters) -> str:  # noqa: ARG002  a filter's signature
        """Nothing is related to an object that does not exist."""
        return FALSE


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
