"""Queries that filter, sort, page and count rows, the same for every resource."""

from __future__ import annotations

from typing import Any

from psycopg import AsyncConnection

from projections.filters.conditions import Parameters
from projections.reading import Row, rows


async def select(
    connection: AsyncConnection[Any],
    columns: str,
    table: str,
    condition: str,
    parameters: Parameters,
    *,
    order: str,
    limit: int,
    offset: int,
) -> list[Row]:
    """The rows of a page. Everything but the bound values is our own text."""
    query = (
        f"SELECT {columns} FROM {table} WHERE {condition} ORDER BY {order}"  # noqa: S608
        f" LIMIT {parameters.bind(limit)} OFFSET {parameters.bind(offset)}"
    )
    return await rows(connection, query, parameters.values)


async def count(connection: AsyncConnection[Any], table: str, condition: str, parameters: Parameters) -> int:
    """How many rows meet the condition."""
    found = await rows(connection, f"SELECT count(*) AS n FROM {table} WHERE {condition}", parameters.values)  # noqa: S608
    return int(found[0]["n"])
