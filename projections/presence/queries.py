"""Queries on workers and polls."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, ClassVar, Final
from uuid import UUID

from psycopg import AsyncConnection

from antiphon.projections.core.reading import encoded, rows
from antiphon.projections.filters.conditions import Between, Leaf, Parameters, joined
from antiphon.projections.filters.objects import ObjectFilter

#: Prefect's rule: a worker is offline after three missed heartbeats. The default interval is 30 seconds.
ONLINE: Final = (
    "worker.last_heartbeat_time"
    " > statement_timestamp() - make_interval(secs => 3.0 * coalesce(nullif(worker.heartbeat_interval_seconds, 0), 30))"
)
_STATUS: Final = f"CASE WHEN {ONLINE} THEN 'ONLINE' ELSE 'OFFLINE' END"


def is_recent(polled: str) -> str:
    """The condition that the last poll is at most 60 seconds old, as in Prefect."""
    return f"{polled} >= statement_timestamp() - interval '60 seconds'"


class WorkerStatus(StrEnum):
    """The status of a worker: its last heartbeat is recent, or not."""

    ONLINE = "ONLINE"
    OFFLINE = "OFFLINE"


class WorkerFilterStatus(Leaf):
    """`any_` and `not_any_` on the status of a worker."""

    any_: list[WorkerStatus] | None = None
    not_any_: list[WorkerStatus] | None = None


class WorkerFilter(ObjectFilter):
    """Prefect's WorkerFilter."""

    SQL: ClassVar[Mapping[str, str]] = {"status": f"({_STATUS})"}

    last_heartbeat_time: Between | None = None
    status: WorkerFilterStatus | None = None


async def find_workers(
    connection: AsyncConnection[Any], pool_id: UUID, which: WorkerFilter | None, limit: int, offset: int
) -> bytes:
    """A page of a pool's workers, the latest heartbeat first."""
    parameters = Parameters()
    conditions = [f"work_pool_id = {parameters.bind(pool_id)}"]
    if which is not None:
        conditions.append(which.sql("worker", parameters))
    query = (
        "SELECT id, created, updated, name, work_pool_id, last_heartbeat_time, heartbeat_interval_seconds,"  # noqa: S608
        f" {_STATUS} AS status FROM worker WHERE {joined(conditions)}"
        f" ORDER BY last_heartbeat_time DESC LIMIT {parameters.bind(limit)} OFFSET {parameters.bind(offset)}"
    )
    return encoded(await rows(connection, query, parameters.values))


async def is_worker(connection: AsyncConnection[Any], worker_id: UUID) -> bool:
    """Whether the worker exists."""
    return bool(await rows(connection, "SELECT id FROM worker WHERE id = %(id)s", {"id": worker_id}))


async def not_polled_since(connection: AsyncConnection[Any], polled: list[UUID], moment: Any) -> list[UUID]:
    """The queues and deployments among these that have no poll since a moment."""
    query = (
        "SELECT asked.id FROM unnest(%(ids)s::uuid[]) AS asked(id) LEFT JOIN poll ON poll.id = asked.id"
        " WHERE poll.polled IS NULL OR poll.polled < %(moment)s"
    )
    return [row["id"] for row in await rows(connection, query, {"ids": polled, "moment": moment})]
