"""Queries on flows."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

from psycopg import AsyncConnection

from antiphon.projections.core.reading import first_encoded
from antiphon.projections.filters.conditions import Parameters
from antiphon.projections.resource import Resource, plain


class FlowSort(StrEnum):
    """Prefect's FlowSort."""

    CREATED_DESC = "CREATED_DESC"
    UPDATED_DESC = "UPDATED_DESC"
    NAME_ASC = "NAME_ASC"
    NAME_DESC = "NAME_DESC"


FLOWS: Final = Resource(
    table="flow",
    columns=plain("id created updated name tags labels"),
    sort=FlowSort,
    default_sort=FlowSort.NAME_ASC,
)


async def by_name(connection: AsyncConnection[Any], name: str) -> bytes | None:
    """The flow with a name, or None."""
    parameters = Parameters()
    found = await FLOWS.select(connection, f"name = {parameters.bind(name)}", parameters)
    return first_encoded(found)
