"""The runs that a poll of a worker or a former agent returns."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection

from antiphon.events.state import StateType
from antiphon.projections.core.reading import Row, encoded, rows
from antiphon.projections.filters.conditions import Between, NullableId, Parameters
from antiphon.projections.filters.criteria import Criteria
from antiphon.projections.filters.objects import FlowRunFilter
from antiphon.projections.filters.special import AnyOrNotAnyStateType, FlowRunState
from antiphon.projections.filters.tags import TagsWithAny
from antiphon.projections.flow_run.queries import FLOW_RUNS, WITHOUT_STATE, FlowRunSort
from antiphon.projections.work_pool.queries import HOLDING, HOLDING_FOR_AGENTS

#: Ordered by the priority of the queue, then by time. Slots in use by paused queues do not count.
_IN_POOL: Final = f"""
WITH pool AS (SELECT * FROM work_pool WHERE id = %(pool)s AND NOT is_paused),
queue AS (
    SELECT q.id, q.priority, q.concurrency_limit, (
        SELECT count(*) FROM flow_run AS r WHERE r.work_queue_id = q.id AND r.state_type IN {HOLDING}
    ) AS taken
    FROM work_queue AS q JOIN pool ON q.work_pool_id = pool.id WHERE NOT q.is_paused
)
SELECT run.* FROM queue CROSS JOIN LATERAL (
    SELECT {WITHOUT_STATE} FROM flow_run
    WHERE work_queue_id = queue.id AND state_type = 'SCHEDULED'
        AND empirical_policy ->> 'retry_type' IS DISTINCT FROM 'in_process'
        AND (%(before)s::timestamptz IS NULL OR next_scheduled_start_time <= %(before)s)
        AND (%(after)s::timestamptz IS NULL OR next_scheduled_start_time >= %(after)s)
    ORDER BY next_scheduled_start_time
    LIMIT least(
        %(limit)s,
        CASE WHEN queue.concurrency_limit IS NOT NULL THEN greatest(0, queue.concurrency_limit - queue.taken) END
    )
) AS run
WHERE queue.id = ANY (%(queues)s)
ORDER BY queue.priority, run.next_scheduled_start_time
LIMIT least(%(limit)s, (
    SELECT greatest(0, pool.concurrency_limit - (SELECT sum(taken) FROM queue))
    FROM pool WHERE pool.concurrency_limit IS NOT NULL
))
"""  # noqa: S608  our own text

#: Agents select runs by the name of the queue.
_FOR_AGENTS: Final = (
    "NOT (SELECT q.is_paused FROM work_queue AS q WHERE q.id = {id})"
    " AND flow_run.work_queue_name = (SELECT q.name FROM work_queue AS q WHERE q.id = {id})"
    " AND state_type = 'SCHEDULED' AND ({before}::timestamptz IS NULL OR next_scheduled_start_time <= {before})"
)
_FREE_FOR_AGENTS: Final = (
    "(SELECT greatest(0, q.concurrency_limit - (SELECT count(*) FROM flow_run AS r"  # noqa: S608
    f" WHERE r.work_queue_name = q.name AND r.state_type IN {HOLDING_FOR_AGENTS}))"
    " FROM work_queue AS q WHERE q.id = {id} AND q.concurrency_limit IS NOT NULL)"
)


#: Responses to agents omit the work pool.
_RUNS: Final = replace(FLOW_RUNS, shaped=lambda row: row | {"work_pool_id": None, "work_pool_name": None})


async def in_pool(
    connection: AsyncConnection[Any],
    pool: UUID,
    queues: list[UUID],
    before: datetime | None,
    after: datetime | None,
    limit: int,
) -> bytes:
    """Due runs in these queues of a pool, up to its free slots."""
    given = {"pool": pool, "queues": queues, "before": before, "after": after, "limit": limit}
    found = await rows(connection, _IN_POOL, given)
    return encoded([{"work_pool_id": pool, "work_queue_id": run["work_queue_id"], "flow_run": run} for run in found])


async def for_agents(connection: AsyncConnection[Any], queue: Row, before: datetime | None, limit: int) -> bytes:
    """Due runs that match the name or the filter of a queue, up to its free slots."""
    if queue["filter"] is not None:
        return await _by_filter(connection, queue, before, limit)
    parameters = Parameters()
    queue_id, moment, most = parameters.bind(queue["id"]), parameters.bind(before), parameters.bind(limit)
    page = (
        " ORDER BY next_scheduled_start_time, flow_run.id"
        f" LIMIT least({most}::bigint, {_FREE_FOR_AGENTS.format(id=queue_id)})"
    )
    condition = _FOR_AGENTS.format(id=queue_id, before=moment)
    return encoded(await _RUNS.select(connection, condition, parameters, page))


async def _by_filter(connection: AsyncConnection[Any], queue: Row, before: datetime | None, limit: int) -> bytes:
    if queue["is_paused"]:
        return b"[]"
    if queue["concurrency_limit"] is not None:
        limit = min(limit, max(0, queue["concurrency_limit"] - queue["active_slots"]))
    wanted = await rows(
        connection,
        "SELECT ARRAY(SELECT jsonb_array_elements_text(nullif(filter -> 'tags', 'null'))) AS tags,"
        " CASE WHEN filter -> 'deployment_ids' <> 'null'"
        " THEN ARRAY(SELECT jsonb_array_elements_text(filter -> 'deployment_ids')::uuid) END AS deployments"
        " FROM work_queue WHERE id = %(id)s",
        {"id": queue["id"]},
    )
    due = FlowRunFilter(
        tags=TagsWithAny(all_=wanted[0]["tags"]),
        deployment_id=NullableId(any_=wanted[0]["deployments"], is_null_=False),
        state=FlowRunState(type=AnyOrNotAnyStateType(any_=[StateType.SCHEDULED])),
        next_scheduled_start_time=Between(before_=before),
    )
    sort = FlowRunSort.NEXT_SCHEDULED_START_TIME_ASC
    return await _RUNS.find(connection, Criteria(flow_runs=due), sort, limit, 0)
