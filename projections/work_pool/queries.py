"""Queries on work pools and queues."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection

from antiphon.events.work_pool.commands import DEFAULT_POOL
from antiphon.projections.core.reading import Row, first_encoded, rows
from antiphon.projections.filters.conditions import Parameters, joined
from antiphon.projections.presence.queries import ONLINE, is_recent
from antiphon.projections.resource import Resource, plain

#: The state types in which a run holds a slot of its pool, and those in which it holds one of an agents' queue.
HOLDING: Final = "('PENDING', 'RUNNING')"
HOLDING_FOR_AGENTS: Final = "('PENDING', 'RUNNING', 'CANCELLING')"


class WorkPoolSort(StrEnum):
    """The one order of work pools."""

    NAME_ASC = "NAME_ASC"


class WorkQueueSort(StrEnum):
    """The orders of queues, by route."""

    PRIORITY_ASC = "PRIORITY_ASC"
    NAME_ASC = "NAME_ASC"


POOLS: Final = Resource(
    table="work_pool",
    columns=plain("id created updated name description type base_job_template is_paused concurrency_limit")
    | {
        "status": "CASE WHEN type = 'prefect-agent' THEN NULL WHEN is_paused THEN 'PAUSED'"
        f" WHEN EXISTS (SELECT FROM worker WHERE worker.work_pool_id = work_pool.id AND {ONLINE}) THEN 'READY'"
        " ELSE 'NOT_READY' END"
    }
    | plain("default_queue_id storage_configuration")
    | {
        "active_slots": "CASE WHEN concurrency_limit IS NOT NULL THEN"  # noqa: S608
        " (SELECT count(*) FROM work_queue AS q JOIN flow_run AS r ON r.work_queue_id = q.id"
        f" WHERE q.work_pool_id = work_pool.id AND r.state_type IN {HOLDING}) END"
    },
    sort=WorkPoolSort,
    default_sort=WorkPoolSort.NAME_ASC,
)

_POLLED: Final = "(SELECT polled FROM poll WHERE poll.id = work_queue.id)"


def _queue_columns(active_slots: str) -> dict[str, str]:
    return plain("id created updated name description is_paused concurrency_limit priority work_pool_id filter") | {
        "last_polled": f"greatest(last_polled, {_POLLED})",
        "work_pool_name": "(SELECT p.name FROM work_pool AS p WHERE p.id = work_pool_id)",
        "status": f"coalesce(status, CASE WHEN {is_recent(_POLLED)} THEN 'READY' ELSE 'NOT_READY' END)",
        "active_slots": f"CASE WHEN concurrency_limit IS NOT NULL THEN {active_slots} END",
    }


_ACTIVE_IN_QUEUE: Final = (
    "(SELECT count(*) FROM flow_run AS r WHERE r.work_queue_id = work_queue.id AND r.state_type IN"
)
_MATCHING: Final = (
    f"(SELECT count(*) FROM flow_run AS r WHERE r.state_type IN {HOLDING} AND r.deployment_id IS NOT NULL"  # noqa: S608
    " AND coalesce(to_jsonb(r.tags) @> nullif(filter -> 'tags', 'null'), true)"
    " AND coalesce(nullif(filter -> 'deployment_ids', 'null') @> to_jsonb(r.deployment_id), true))"
)

#: Queues in the form of the routes of a pool.
QUEUES: Final = Resource(
    table="work_queue",
    columns=_queue_columns(f"{_ACTIVE_IN_QUEUE} {HOLDING})"),
    sort=WorkQueueSort,
    default_sort=WorkQueueSort.PRIORITY_ASC,
)

#: Queues in the form of the agents' routes: a filter selects runs from all queues.
AGENTS_QUEUES: Final = Resource(
    table="work_queue",
    columns=_queue_columns(
        f"CASE WHEN filter IS NULL THEN {_ACTIVE_IN_QUEUE} {HOLDING_FOR_AGENTS}) ELSE {_MATCHING} END"
    ),
    sort=WorkQueueSort,
    default_sort=WorkQueueSort.NAME_ASC,
)


async def pool_by_name(connection: AsyncConnection[Any], name: str) -> bytes | None:
    """The pool with a name, or None."""
    parameters = Parameters()
    return first_encoded(await POOLS.select(connection, f"name = {parameters.bind(name)}", parameters))


async def pool_id(connection: AsyncConnection[Any], name: str) -> UUID | None:
    """The id of the pool with a name, or None."""
    found = await rows(connection, "SELECT id FROM work_pool WHERE name = %(name)s", {"name": name})
    return found[0]["id"] if found else None


async def default_pool_id(connection: AsyncConnection[Any]) -> UUID | None:
    """The id of the default pool, for queues that are named without a pool; None if it does not exist."""
    return await pool_id(connection, DEFAULT_POOL)


async def queue_ids(connection: AsyncConnection[Any], pool: UUID, names: list[str]) -> dict[str, UUID]:
    """The ids of the named queues of a pool by name; an empty list selects all queues."""
    query = (
        "SELECT id, name FROM work_queue WHERE work_pool_id = %(pool)s AND (name = ANY (%(names)s) OR %(names)s = '{}')"
    )
    found = await rows(connection, query, {"pool": pool, "names": names})
    return {row["name"]: row["id"] for row in found}


async def queue_in(connection: AsyncConnection[Any], pool: UUID, name: str) -> bytes | None:
    """The queue with a name in a pool, or None."""
    parameters = Parameters()
    condition = joined([f"work_pool_id = {parameters.bind(pool)}", f"name = {parameters.bind(name)}"])
    return first_encoded(await QUEUES.select(connection, condition, parameters))


async def pool_of_queue(connection: AsyncConnection[Any], queue_id: UUID) -> UUID | None:
    """The pool of a queue; None if the queue does not exist."""
    found = await rows(connection, "SELECT work_pool_id FROM work_queue WHERE id = %(id)s", {"id": queue_id})
    return found[0]["work_pool_id"] if found else None


async def agents_queue(connection: AsyncConnection[Any], name: str) -> Row | None:
    """The queue with a name in the default pool; without that pool, the oldest queue with the name."""
    parameters = Parameters()
    default = f"(SELECT p.id FROM work_pool AS p WHERE p.name = {parameters.bind(DEFAULT_POOL)})"  # noqa: S608
    condition = f"name = {parameters.bind(name)} AND work_pool_id = coalesce({default}, work_pool_id)"
    found = await AGENTS_QUEUES.select(connection, condition, parameters, " ORDER BY created LIMIT 1")
    return found[0] if found else None
