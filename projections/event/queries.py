"""Queries on reported events: pages, and counts by name, resource and time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from psycopg import AsyncConnection

from antiphon.projections.core.reading import Row, rows
from antiphon.projections.event.conditions import Part, where
from antiphon.projections.filters.conditions import Parameters

#: The origin of Prefect's buckets, a Monday.
PIVOT: Final = datetime(2024, 4, 1, tzinfo=UTC)

_COLUMNS: Final = "occurred, event, resource, related, payload, id, follows, received"
#: The display name of a resource.
_NAMED: Final = "coalesce(resource ->> 'prefect.resource.name', resource ->> 'prefect.name', resource_id)"


class Counted(StrEnum):
    """The attributes by which events are counted."""

    EVENT = "event"
    RESOURCE = "resource"


async def count(connection: AsyncConnection[Any], wanted: Part) -> int:
    """The number of events that a filter includes, or of resources if it requests distinct ones."""
    parameters = Parameters()
    what = "DISTINCT resource_id" if _is_distinct(wanted) else "*"
    query = f"SELECT count({what}) AS count FROM event WHERE {where(wanted, parameters)}"  # noqa: S608  our own text
    return int((await rows(connection, query, parameters.values))[0]["count"])


async def page(connection: AsyncConnection[Any], wanted: Part, limit: int, offset: int) -> list[Row]:
    """A page of the events that a filter includes, in the order of the filter."""
    parameters = Parameters()
    order = "ASC" if wanted["order"] == "ASC" else "DESC"
    if ids := wanted["id"].get("id"):
        limit = min(limit, len(ids))
    source = f"SELECT * FROM event WHERE {where(wanted, parameters)}"  # noqa: S608  our own text
    if _is_distinct(wanted):
        source = source.replace("*", "DISTINCT ON (resource_id) *", 1)
        source = f"{source} ORDER BY resource_id, occurred {order}, id {order}"
    query = (
        f"SELECT {_COLUMNS} FROM ({source}) AS event ORDER BY occurred {order}, id {order}"  # noqa: S608  our own text
        f" LIMIT {parameters.bind(limit)} OFFSET {parameters.bind(offset)}"
    )
    return await rows(connection, query, parameters.values)


async def counts(connection: AsyncConnection[Any], wanted: Part, by: Counted) -> list[Row]:
    """The number of events of each name or resource, the largest first."""
    parameters = Parameters()
    value, label = ("event", "event") if by is Counted.EVENT else ("resource_id", _NAMED)
    query = (
        f"SELECT {value} AS value, (array_agg({label} ORDER BY occurred DESC))[1] AS label, count(*) AS count,"  # noqa: S608  our own text
        f" min(occurred) AS start_time, max(occurred) AS end_time FROM event WHERE {where(wanted, parameters)}"
        " GROUP BY 1 ORDER BY count DESC, label"
    )
    return await rows(connection, query, parameters.values)


async def counts_in_time(connection: AsyncConnection[Any], wanted: Part, length: timedelta) -> dict[int, int]:
    """The number of events in each bucket of this length; PIVOT begins bucket 0."""
    parameters = Parameters()
    since_pivot = f"extract(epoch FROM occurred - {parameters.bind(PIVOT)}::timestamptz)"
    query = (
        f"SELECT floor({since_pivot} / {parameters.bind(length.total_seconds())}::numeric)::bigint AS bucket,"  # noqa: S608  our own text
        f" count(*) AS count FROM event WHERE {where(wanted, parameters)} GROUP BY 1"
    )
    return {row["bucket"]: row["count"] for row in await rows(connection, query, parameters.values)}


def _is_distinct(wanted: Part) -> bool:
    return bool(wanted.get("resource", {}).get("distinct"))
