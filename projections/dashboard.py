"""Queries of the web UI: short rows of many runs, and counts by flow, flow run, state and time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection

from antiphon.events.state import StateType
from antiphon.projections.core import durations
from antiphon.projections.core.reading import encoded, rows
from antiphon.projections.filters.criteria import Criteria
from antiphon.projections.flow_run.queries import FLOW_RUNS, FlowRunSort
from antiphon.projections.sums import rollups
from antiphon.projections.sums.rollups import COUNTS
from antiphon.projections.task_run.queries import TASK_RUNS

#: The number of intervals in a chart of the dashboard.
_INTERVALS: Final = 20

_TASK_RUN_COUNTS: Final = (
    "SELECT flow_run_id, count(*) AS n FROM task_run WHERE flow_run_id = ANY (%(ids)s) AND NOT awaits_flow_run"
    " AND NOT EXISTS (SELECT FROM flow_run AS sub WHERE sub.parent_task_run_id = task_run.id) GROUP BY flow_run_id"
)

_NEXT_RUNS: Final = (
    "SELECT DISTINCT ON (flow_id) id, flow_id, name, state_name, state_type, next_scheduled_start_time FROM flow_run"
    " WHERE flow_id = ANY (%(ids)s) AND state_type = 'SCHEDULED' AND next_scheduled_start_time IS NOT NULL"
    " ORDER BY flow_id, next_scheduled_start_time"
)


async def short_runs(
    connection: AsyncConnection[Any], criteria: Criteria, sort: FlowRunSort, limit: int, offset: int
) -> bytes:
    """Flow runs as points of a chart: time, duration and lateness."""
    parameters = rollups.parameters_on(connection)
    condition = criteria.on("flow_run", parameters)
    query = (
        "SELECT id, state_type, coalesce(start_time, expected_start_time) AS timestamp,"  # noqa: S608  our own text
        f" ({durations.ESTIMATED_RUN_TIME})::double precision AS duration,"
        f" ({durations.ESTIMATED_START_TIME_DELTA})::double precision AS lateness FROM flow_run"
        f" WHERE {condition}{FLOW_RUNS.page(sort, limit, offset, parameters)}"
    )
    return encoded(await rows(connection, query, parameters.values))


async def task_run_counts(connection: AsyncConnection[Any], run_ids: Sequence[UUID]) -> bytes:
    """The number of task runs of each flow run, without the task runs that represent a subflow run."""
    found = await rows(connection, _TASK_RUN_COUNTS, {"ids": list(run_ids)})
    counts = {row["flow_run_id"]: row["n"] for row in found}
    return encoded({str(run_id): counts.get(run_id, 0) for run_id in run_ids})


async def next_runs(connection: AsyncConnection[Any], flow_ids: Sequence[UUID]) -> bytes:
    """The scheduled run of each flow that starts next, or null."""
    found = await rows(connection, _NEXT_RUNS, {"ids": list(flow_ids)})
    runs = {row["flow_id"]: row for row in found}
    return encoded({str(flow_id): runs.get(flow_id) for flow_id in flow_ids})


async def deployment_counts(connection: AsyncConnection[Any], flow_ids: Sequence[UUID]) -> bytes:
    """The number of deployments of each flow."""
    query = "SELECT flow_id, count(*) AS n FROM deployment WHERE flow_id = ANY (%(ids)s) GROUP BY flow_id"
    counts = {row["flow_id"]: row["n"] for row in await rows(connection, query, {"ids": list(flow_ids)})}
    return encoded({str(flow_id): counts.get(flow_id, 0) for flow_id in flow_ids})


async def counts_by_state(connection: AsyncConnection[Any], criteria: Criteria) -> bytes:
    """The number of task runs in each state type."""
    parameters = rollups.parameters_on(connection)
    condition = criteria.on("task_run", parameters)
    counts = COUNTS["task_run"]
    is_summed = rollups.are_kept(connection) and counts.answers(criteria)
    number, source = ("sum(runs)::bigint", counts.source) if is_summed else ("count(*)", "task_run")
    query = f"SELECT state_type, {number} AS n FROM {source} WHERE {condition} GROUP BY state_type"  # noqa: S608
    found = {row["state_type"]: row["n"] for row in await rows(connection, query, parameters.values)}
    return encoded({kind.value: found.get(kind.value, 0) for kind in StateType})


async def ended_by_time(connection: AsyncConnection[Any], criteria: Criteria, start: datetime, end: datetime) -> bytes:
    """The number of failed and otherwise ended task runs, by the interval in which they started."""
    shown = [{"completed": 0, "failed": 0} for _ in range(_INTERVALS)]
    parameters = rollups.parameters_on(connection)
    condition = criteria.on("task_run", parameters)
    seconds = (end - start) / _INTERVALS / timedelta(seconds=1)
    query = (
        f"SELECT floor(extract(epoch FROM start_time - {parameters.bind(start)})"  # noqa: S608  our own text
        f" / {parameters.bind(seconds)}::double precision)::integer AS part,"
        " count(*) FILTER (WHERE state_type IN ('FAILED', 'CRASHED')) AS failed,"
        " count(*) FILTER (WHERE state_type IN ('COMPLETED', 'CANCELLED')) AS completed"
        f" FROM task_run WHERE start_time <= {parameters.bind(end)} AND {condition} GROUP BY 1"
    )
    for row in await rows(connection, query, parameters.values) if seconds > 0 else ():
        shown[row["part"]] = {"completed": row["completed"], "failed": row["failed"]}
    return encoded(shown)


async def task_run_with_flow_run_name(connection: AsyncConnection[Any], run_id: UUID) -> bytes | None:
    """A task run and the name of its flow run, or None."""
    parameters = rollups.parameters_on(connection)
    condition = f"task_run.id = {parameters.bind(run_id)} AND {Criteria().on('task_run', parameters)}"
    found = await TASK_RUNS.select(connection, condition, parameters)
    if not found:
        return None
    query = "SELECT name FROM flow_run WHERE id = %(id)s"
    names = await rows(connection, query, {"id": found[0]["flow_run_id"]})
    return encoded(found[0] | {"flow_run_name": names[0]["name"] if names else None})
