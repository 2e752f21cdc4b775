"""The slots in use in a pool or a queue, and the runs that hold them."""

from __future__ import annotations

from math import ceil
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection

from antiphon.projections.core.reading import Row, encoded, offset_of, rows
from antiphon.projections.presence.queries import is_recent
from antiphon.projections.work_pool.queries import HOLDING, HOLDING_FOR_AGENTS

_RUN: Final = (
    "id, name, state_type, state_name, start_time, state_timestamp,"
    " extract(epoch FROM statement_timestamp() - state_timestamp)::double precision AS time_in_current_state"
)
_QUEUES: Final = (
    "SELECT q.id AS queue_id, q.name AS queue_name,"  # noqa: S608  our own text
    f" (SELECT count(*) FROM flow_run AS r WHERE r.work_queue_id = q.id AND r.state_type IN {HOLDING}) AS active_slots,"
    " q.concurrency_limit FROM work_queue AS q WHERE q.work_pool_id = %(pool)s ORDER BY q.priority"
)
_RUNS_OF_QUEUES: Final = (
    f"SELECT run.* FROM unnest(%(queues)s::uuid[]) AS q(queue) CROSS JOIN LATERAL (SELECT work_queue_id, {_RUN}"  # noqa: S608
    f" FROM flow_run WHERE work_queue_id = q.queue AND state_type IN {HOLDING}"
    " ORDER BY id LIMIT %(most)s) AS run"
)
#: Includes runs that name the queue but have no id of a queue.
_OF_QUEUE: Final = (
    "FROM flow_run WHERE (work_queue_id = %(queue)s OR work_queue_id IS NULL AND work_queue_name ="  # noqa: S608
    f" (SELECT q.name FROM work_queue AS q WHERE q.id = %(queue)s)) AND state_type IN {HOLDING_FOR_AGENTS}"
)
_LAST_POLLED: Final = "greatest(q.last_polled, p.polled)"
_STATUS: Final = (
    "SELECT (SELECT count(*) FROM flow_run AS r WHERE r.work_queue_id = q.id AND r.state_name = 'Late')"  # noqa: S608  our own text
    f" AS late_runs_count, {_LAST_POLLED} AS last_polled, coalesce({is_recent(_LAST_POLLED)}, false) AS is_polled"
    " FROM work_queue AS q LEFT JOIN poll AS p ON p.id = q.id WHERE q.id = %(queue)s"
)


async def of_pool(
    connection: AsyncConnection[Any], pool_id: UUID, most_runs: int, page: int, limit: int
) -> bytes | None:
    """The slots of a pool by queue, as a page of queues; None if the pool does not exist."""
    pools = await rows(connection, "SELECT concurrency_limit FROM work_pool WHERE id = %(pool)s", {"pool": pool_id})
    if not pools:
        return None
    queues = await rows(connection, _QUEUES, {"pool": pool_id})
    shown = queues[(page - 1) * limit : page * limit]
    runs = await rows(connection, _RUNS_OF_QUEUES, {"queues": [q["queue_id"] for q in shown], "most": most_runs})
    for queue in shown:
        its = [run for run in runs if run["work_queue_id"] == queue["queue_id"]]
        queue["flow_runs"] = [{name: run[name] for name in run if name != "work_queue_id"} for run in its]
        queue["flow_run_count"] = queue["active_slots"]
    found = {
        "active_slots": sum(queue["active_slots"] for queue in queues),
        "concurrency_limit": pools[0]["concurrency_limit"],
        "queues": shown,
    }
    return encoded(found | _page(len(queues), page, limit))


async def of_queue(connection: AsyncConnection[Any], queue_id: UUID, page: int, limit: int) -> bytes | None:
    """The slots of a queue, and a page of the runs that hold them; None if the queue does not exist."""
    queues = await rows(
        connection, "SELECT concurrency_limit FROM work_queue WHERE id = %(queue)s", {"queue": queue_id}
    )
    if not queues:
        return None
    given = {"queue": queue_id, "limit": limit, "offset": offset_of(page, limit)}
    count = (await rows(connection, f"SELECT count(*) AS n {_OF_QUEUE}", given))[0]["n"]
    query = f"SELECT {_RUN} {_OF_QUEUE} ORDER BY id LIMIT %(limit)s OFFSET %(offset)s"
    found = {
        "active_slots": count,
        "concurrency_limit": queues[0]["concurrency_limit"],
        "flow_runs": await rows(connection, query, given),
    }
    return encoded(found | _page(count, page, limit))


async def health(connection: AsyncConnection[Any], queue_id: UUID) -> bytes | None:
    """The health of a queue: it is polled and has no late runs; None if the queue does not exist."""
    found = await rows(connection, _STATUS, {"queue": queue_id})
    if not found:
        return None
    row = found[0]
    return encoded(
        {
            "healthy": row.pop("is_polled") and row["late_runs_count"] == 0,
            **row,
            "health_check_policy": {"maximum_late_runs": 0, "maximum_seconds_since_last_polled": 60},
        }
    )


def _page(count: int, page: int, limit: int) -> Row:
    return {"count": count, "limit": limit, "pages": ceil(count / limit) if limit else 0, "page": page}
