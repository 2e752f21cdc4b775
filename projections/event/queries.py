"""What is asked about reported events: pages, and counts by name, resource and time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from psycopg import AsyncConnection

from antiphon.projections.core.reading import Row, rows
from antiphon.projections.event.conditions import Part, where
from antiphon.projections.filters.conditions import Parameters

#: Where Prefect's time begins, a Monday: buckets are counted from here.
PIVOT: Final = datetime(2024, 4, 1, tzinfo=UTC)

_COLUMNS: Final = "occurred, event, resource, related, payload, id, follows, received"
#: What a value is called, by the latest event that has it.
_NAMED: Final = "coalesce(resource ->> 'prefect.resource.name', resource ->> 'prefect.name', resource_id)"


class Counted(StrEnum):
    """What events are counted by, where that is not time."""

    EVENT = "event"
    RESOURCE = "resource"


async def count(connection: AsyncConnection[Any], wanted: Part) -> int:
    """How many events a filter includes; or resources, where it asks for distinct ones."""
    parameters = Parameters()
    what = "DISTINCT resource_id" if _is_distinct(wanted) else "*"
    query = f"SELECT count({what}) AS count FROM event WHERE {where(wanted, parameters)}"  # noqa: S608  our own text
    return int((await rows(connection, query, parameters.values))[0]["count"])


async def page(connection: AsyncConnection[Any], wanted: Part, limit: int, offset: int) -> list[Row]:
    """Events that a filter includes, in its order."""
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
    """How many events there are of each name or resource, the most first."""
    parameters = Parameters()
    value, label = ("event", "event") if by is Counted.EVENT else ("resource_id", _NAMED)
    query = (
        f"SELECT {value} AS value, (array_agg({label} ORDER BY occurred DESC))[1] AS label, count(*) AS count,"  # noqa: S608  our own text
        f" min(occurred) AS start_time, max(occurred) AS end_time FROM event WHERE {where(wanted, parameters)}"
        " GROUP BY 1 ORDER BY count DESC, label"
    )
    return await rows(connection, query, parameters.values)


async def counts_in_time(connection: AsyncConnection[Any], wanted: Part, length: timedelta) -> dict[int, int]:
    """How many events there are in each bucket of this length, counted from PIVOT."""
    parameters = Parameters()
    since_pivot = f"extract(epoch FROM occurred - {parameters.bind(PIVOT)}::timestamptz)"
    query = (
        f"SELECT floor({since_pivot} / {parameters.bind(length.total_seconds())}::numeric)::bigint AS bucket,"  # noqa: S608  our own text
        f" count(*) AS count FROM event WHERE {where(wanted, parameters)} GROUP BY 1"
    )
    return {row["bucket"]: row["count"] for row in await rows(connection, query, parameters.values)}


def _is_distinct(wanted: Part) -> bool:
    return bool(wanted.get("resource", {}).get("distinct"))
