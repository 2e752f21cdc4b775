"""Queries on variables."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection

from antiphon.projections.core.reading import first_encoded, rows
from antiphon.projections.filters.conditions import Parameters
from antiphon.projections.resource import Resource, plain


class VariableSort(StrEnum):
    """Prefect's VariableSort."""

    CREATED_DESC = "CREATED_DESC"
    UPDATED_DESC = "UPDATED_DESC"
    NAME_DESC = "NAME_DESC"
    NAME_ASC = "NAME_ASC"


VARIABLES: Final = Resource(
    table="variable",
    columns=plain("id created updated name value tags"),
    sort=VariableSort,
    default_sort=VariableSort.NAME_ASC,
)


async def by_name(connection: AsyncConnection[Any], name: str) -> bytes | None:
    """The variable with a name, or None."""
    parameters = Parameters()
    return first_encoded(await VARIABLES.select(connection, f"name = {parameters.bind(name)}", parameters))


async def id_of(connection: AsyncConnection[Any], name: str) -> UUID | None:
    """The id of the variable with a name, or None."""
    found = await rows(connection, "SELECT id FROM variable WHERE name = %(name)s", {"name": name})
    return found[0]["id"] if found else None


async def values(connection: AsyncConnection[Any]) -> dict[str, Any]:
    """The values of all variables by name."""
    found = await rows(connection, "SELECT name, coalesce(value, 'null')::text AS value FROM variable", {})
    return {row["name"]: json.loads(row["value"]) for row in found}
