"""The graphs of a flow run: its task runs and subflow runs, and the sources of their inputs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
from psycopg import AsyncConnection

from antiphon.projections.artifact.queries import of_flow_run
from antiphon.projections.core import durations
from antiphon.projections.core.reading import Row, encoded, rows

#: Prefect's `server.api.max_graph_nodes`.
MOST_NODES: Final = 10_000
#: Prefect's `server.api.max_flow_run_graph_artifacts`.
_MOST_ARTIFACTS: Final = 10_000
#: The input of a task run that names the enclosing task run.
_WITHIN: Final = "__parents__"

_RUN: Final = "SELECT coalesce(start_time, expected_start_time) AS start_time, end_time FROM flow_run WHERE id = %(id)s"

_STATES: Final = (
    "SELECT id, timestamp, state ->> 'type' AS type, state ->> 'name' AS name FROM flow_run_state"
    " WHERE flow_run_id = %(id)s ORDER BY timestamp"
)

#: A subflow run replaces its parent task run.
_NODES: Final = """
    SELECT CASE WHEN sub.id IS NULL THEN 'task-run' ELSE 'flow-run' END AS kind,
        coalesce(sub.id, task.id) AS id,
        coalesce(flow.name || ' / ' || sub.name, task.name) AS label,
        coalesce(sub.state_type, task.state_type) AS state_type,
        coalesce(sub.start_time, sub.expected_start_time, task.start_time, task.expected_start_time) AS start_time,
        coalesce(sub.end_time, task.end_time,
            CASE WHEN task.state_type = 'COMPLETED' THEN task.expected_start_time END) AS end_time,
        task.task_inputs
    FROM task_run AS task
        LEFT JOIN flow_run AS sub ON sub.parent_task_run_id = task.id
        LEFT JOIN flow ON flow.id = sub.flow_id
    WHERE task.flow_run_id = %(id)s AND NOT task.awaits_flow_run
        AND coalesce(sub.start_time, sub.expected_start_time, task.start_time, task.expected_start_time) IS NOT NULL
    ORDER BY start_time, end_time
"""

_TASK_RUNS: Final = (
    "SELECT id, name, task_inputs, state, expected_start_time, start_time, end_time, total_run_time,"  # noqa: S608
    f" ({durations.ESTIMATED_RUN_TIME})::double precision AS estimated_run_time,"
    " coalesce((state -> 'state_details' ->> 'untrackable_result')::boolean, false) AS untrackable_result"
    " FROM task_run WHERE flow_run_id = %(id)s AND NOT awaits_flow_run ORDER BY id DESC"
)


class GraphTooLargeError(Exception):
    """A graph has more nodes than Prefect's limit."""


async def dependencies(connection: AsyncConnection[Any], run_id: UUID) -> bytes | None:
    """The task runs of a flow run with their upstream task runs, or None if the flow run does not exist."""
    if not await rows(connection, _RUN, {"id": run_id}):
        return None
    found = await rows(connection, _TASK_RUNS, {"id": run_id})
    for row in found:
        sources = (source for _, source in _inputs(row.pop("task_inputs")))
        upstream = {source["id"]: source for source in sources if source.get("input_type") == "task_run"}
        row["upstream_dependencies"] = list(upstream.values())
    return encoded(found)


async def graph(connection: AsyncConnection[Any], run_id: UUID, since: datetime) -> bytes | None:
    """The nodes that had not ended before `since`; None if the flow run does not exist; raises GraphTooLargeError."""
    run = await rows(connection, _RUN, {"id": run_id})
    if not run:
        return None
    artifacts = defaultdict[UUID | None, list[Row]](list)
    for artifact in await of_flow_run(connection, run_id, _MOST_ARTIFACTS):
        artifacts[artifact.pop("task_run_id")].append(artifact)
    nodes = await rows(connection, _NODES, {"id": run_id})
    shown = [node for node in _joined(nodes, artifacts) if node["end_time"] is None or node["end_time"] >= since]
    if len(shown) > MOST_NODES:
        raise GraphTooLargeError(f"The graph of flow run {run_id} has more than {MOST_NODES} nodes.")
    return encoded(
        {
            **run[0],
            "root_node_ids": [node["id"] for node in shown if not node["parents"]],
            "nodes": [(node["id"], node) for node in shown],
            "artifacts": artifacts[None],
            "states": await rows(connection, _STATES, {"id": run_id}),
        }
    )


def _inputs(column: orjson.Fragment) -> list[tuple[str, dict[str, Any]]]:
    """The inputs of a task run: pairs of a name and a source, which is empty for an input without a source."""
    sources: dict[str, list[dict[str, Any]]] = orjson.loads(orjson.dumps(column))
    return [(name, source) for name, items in sources.items() for source in items or [{}]]


def _joined(nodes: Sequence[Row], artifacts: Mapping[UUID | None, Sequence[Row]]) -> list[Row]:
    """Add parents, children and enclosing nodes to each node, with Prefect's repetitions."""
    by_id = {node["id"]: node for node in nodes}
    inputs = {node["id"]: _inputs(node.pop("task_inputs")) for node in nodes}
    parents, children, around = (defaultdict[UUID, list[UUID]](list) for _ in range(3))
    for child, sources in inputs.items():
        for name, source in sources:
            parent = UUID(source["id"]) if "id" in source else None
            if parent is None or parent not in by_id:
                continue
            # Prefect joins inputs with inputs: a parent appears once for each of its own inputs.
            times = max(1, len(inputs[parent]))
            if name == _WITHIN:
                around[child] += [parent] * times
            else:
                parents[child] += [parent] * times
                children[parent] += [child] * times

    def linked(ids: Iterable[UUID]) -> list[Row]:
        return [{"id": each} for each in sorted(ids, key=lambda each: by_id[each]["start_time"])]

    return [
        node
        | {
            "parents": linked(parents[node_id]),
            "children": linked(children[node_id]),
            "encapsulating": linked(dict.fromkeys(around[node_id])),
            "artifacts": artifacts.get(node_id, []),
        }
        for node_id, node in by_id.items()
    ]
