"""Event streams with a parked event, behind which later events of the stream wait (docs/adr/0003)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, NamedTuple

from psycopg import AsyncConnection
from psycopg.rows import class_row

from antiphon.projections.core.migrate import SCHEMA

_TOTALS: Final = f"SELECT count(*), coalesce(sum(waiting), 0)::bigint FROM {SCHEMA}.parked_aggregate"  # noqa: S608
_GROUPS: Final = f"""
SELECT reason, split_part(subject, '.', 2) AS kind, count(*) AS event_streams, sum(waiting)::bigint AS waiting_events
FROM {SCHEMA}.parked_aggregate GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT %s
"""  # noqa: S608
_PAGE: Final = f"""
SELECT subject AS event_stream, position, recorded_at, reason, error, waiting
FROM {SCHEMA}.parked_aggregate WHERE position > %s ORDER BY position LIMIT %s
"""  # noqa: S608
#: A kind is any token of a subject of the log.
_MOST_GROUPS: Final = 100


class ParkedTotals(NamedTuple):
    """The number of event streams with a parked event, and of the events that wait behind these."""

    event_streams: int
    waiting_events: int


class ParkedStreamGroup(NamedTuple):
    """The event streams of one kind that are parked for one reason."""

    reason: str
    kind: str
    event_streams: int
    waiting_events: int


class ParkedStream(NamedTuple):
    """An event stream with a parked event."""

    event_stream: str
    #: Of the parked event.
    position: int
    recorded_at: datetime | None
    reason: str
    error: str
    #: The number of later events of the stream.
    waiting: int


async def parked_positions(connection: AsyncConnection[Any], table: str = "parked_aggregate") -> dict[str, int]:
    """The event streams with a parked event, and its position."""
    cursor = await connection.execute(f"SELECT subject, position FROM {table}".encode())  # noqa: S608  our own name
    return {str(subject): int(position) for subject, position in await cursor.fetchall()}


async def totals(connection: AsyncConnection[Any]) -> ParkedTotals:
    """The totals of the live read models."""
    row = await (await connection.execute(_TOTALS.encode())).fetchone()
    return ParkedTotals(*row) if row else ParkedTotals(0, 0)


async def groups(connection: AsyncConnection[Any]) -> list[ParkedStreamGroup]:
    """All event streams with a parked event, counted by reason and kind; the largest group first."""
    async with connection.cursor(row_factory=class_row(ParkedStreamGroup)) as cursor:
        return await (await cursor.execute(_GROUPS.encode(), (_MOST_GROUPS,))).fetchall()


async def page(connection: AsyncConnection[Any], after: int, limit: int) -> list[ParkedStream]:
    """At most `limit` event streams with a parked event behind the position `after`, the oldest first."""
    async with connection.cursor(row_factory=class_row(ParkedStream)) as cursor:
        return await (await cursor.execute(_PAGE.encode(), (after, limit))).fetchall()
