"""Queries on concurrency limits and leases."""

from __future__ import annotations

from typing import Any, Final, NamedTuple
from uuid import UUID

from psycopg import AsyncConnection

from antiphon.projections.core.reading import encoded, first_encoded, rows

#: The slots in use now, after decay; services/policy/kinds/limit/arithmetic.py computes the same. PostgreSQL refuses a
#: product that is too small for a floating-point number, so the decay is at least 1e-300.
ACTIVE_SLOTS: Final = (
    "(CASE WHEN slot_decay_per_second > 0 THEN greatest(0, loose_slots - floor(least(loose_slots,"
    " greatest(slot_decay_per_second, 1e-300)"
    " * extract(epoch FROM statement_timestamp() - counted_at)::double precision))::bigint)"
    " ELSE loose_slots + leased_slots END)"
)
_COLUMNS: Final = (
    f'id, created, updated, active, name, slot_limit AS "limit", {ACTIVE_SLOTS} AS active_slots, slot_decay_per_second'
)
_WHOLE: Final = (
    'id, created, updated, active, name, slot_limit AS "limit", loose_slots AS active_slots, denied_slots,'
    " slot_decay_per_second, avg_slot_occupancy_seconds"
)
#: The form of Prefect's first version, which shows only the task runs among the holders of slots.
_BY_TAG: Final = (
    "id, created, updated, substr(name, 5) AS tag, slot_limit AS concurrency_limit,"
    " ARRAY(SELECT holder_id FROM concurrency_lease AS l WHERE l.limit_ids @> ARRAY[concurrency_limit.id]"
    " AND l.holder_type = 'task_run' AND coalesce(l.expires_at > statement_timestamp(), true) ORDER BY l.created, l.id)"
    " AS active_slots"
)
_TAGGED: Final = "starts_with(name, 'tag:')"
_FROM: Final = "FROM concurrency_limit"


class Overdue(NamedTuple):
    """An expired lease."""

    id: UUID
    expires_at: Any


async def created(connection: AsyncConnection[Any], limit_id: UUID) -> bytes | None:
    """A limit in the form of the response to its creation, or None."""
    return first_encoded(await rows(connection, f"SELECT {_WHOLE} {_FROM} WHERE id = %(id)s", {"id": limit_id}))


async def get(connection: AsyncConnection[Any], id_or_name: UUID | str) -> bytes | None:
    """A limit by its id or its name, or None."""
    column = "id" if isinstance(id_or_name, UUID) else "name"
    query = f"SELECT {_COLUMNS} {_FROM} WHERE {column} = %(key)s"
    return first_encoded(await rows(connection, query, {"key": id_or_name}))


async def id_of(connection: AsyncConnection[Any], name: str) -> UUID | None:
    """The id of the limit of that name, or None."""
    found = await rows(connection, f"SELECT id {_FROM} WHERE name = %(name)s", {"name": name})
    return found[0]["id"] if found else None


async def find(connection: AsyncConnection[Any], limit: int, offset: int) -> bytes:
    """A page of all limits, by name."""
    query = f"SELECT {_COLUMNS} {_FROM} ORDER BY name LIMIT %(limit)s OFFSET %(offset)s"
    return encoded(await rows(connection, query, {"limit": limit, "offset": offset}))


async def by_tag(connection: AsyncConnection[Any], limit_id: UUID) -> bytes | None:
    """A limit on a tag in the form of Prefect's first version, or None."""
    query = f"SELECT {_BY_TAG} {_FROM} WHERE id = %(id)s AND {_TAGGED}"
    return first_encoded(await rows(connection, query, {"id": limit_id}))


async def find_by_tag(connection: AsyncConnection[Any], limit: int, offset: int) -> bytes:
    """A page of the limits on tags in the form of Prefect's first version.

    As in Prefect, the page is a part of the first `limit + offset` of all limits, also of those without a tag.
    """
    query = (
        f"SELECT {_BY_TAG} FROM (SELECT * {_FROM} ORDER BY name LIMIT %(first)s) AS concurrency_limit"  # noqa: S608
        f" WHERE {_TAGGED} ORDER BY name LIMIT %(limit)s OFFSET %(offset)s"
    )
    return encoded(await rows(connection, query, {"first": limit + offset, "limit": limit, "offset": offset}))


async def overdue(connection: AsyncConnection[Any], now: Any, most: int) -> list[Overdue]:
    """Expired leases, the oldest first."""
    query = (
        "SELECT id, expires_at FROM concurrency_lease WHERE expires_at <= %(now)s ORDER BY expires_at LIMIT %(most)s"
    )
    return [Overdue(row["id"], row["expires_at"]) for row in await rows(connection, query, {"now": now, "most": most})]
