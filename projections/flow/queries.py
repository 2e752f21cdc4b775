"""What is asked about flows."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection

from projections import selection
from projections.filters.conditions import Parameters
from projections.filters.criteria import Criteria
from projections.reading import Row, many, one, rows

_COLUMNS: Final = "id, created, updated, name, tags, labels"


class FlowSort(StrEnum):
    """Prefect's FlowSort."""

    CREATED_DESC = "CREATED_DESC"
    UPDATED_DESC = "UPDATED_DESC"
    NAME_ASC = "NAME_ASC"
    NAME_DESC = "NAME_DESC"


_ORDER: Final = {
    FlowSort.CREATED_DESC: "created DESC",
    FlowSort.UPDATED_DESC: "updated DESC",
    FlowSort.NAME_ASC: "name ASC",
    FlowSort.NAME_DESC: "name DESC",
}


def wire(row: Row) -> Row:
    """A flow as Prefect's API shows it."""
    return row


async def get(connection: AsyncConnection[Any], flow_id: UUID) -> bytes | None:
    """A flow, or None."""
    return one(await rows(connection, f"SELECT {_COLUMNS} FROM flow WHERE id = %(id)s", {"id": flow_id}), wire)  # noqa: S608


async def by_name(connection: AsyncConnection[Any], name: str) -> bytes | None:
    """The flow of that name, or None."""
    query = f"SELECT {_COLUMNS} FROM flow WHERE name = %(name)s"  # noqa: S608
    return one(await rows(connection, query, {"name": name}), wire)


async def find(connection: AsyncConnection[Any], criteria: Criteria, sort: FlowSort, limit: int, offset: int) -> bytes:
    """A page of the flows that meet the criteria."""
    parameters = Parameters()
    condition = criteria.of_flows(parameters)
    found = await selection.select(
        connection, _COLUMNS, "flow", condition, parameters, order=_ORDER[sort], limit=limit, offset=offset
    )
    return many(found, wire)


async def count(connection: AsyncConnection[Any], criteria: Criteria) -> int:
    """How many flows meet the criteria."""
    parameters = Parameters()
    return await selection.count(connection, "flow", criteria.of_flows(parameters), parameters)
