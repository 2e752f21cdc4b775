"""The rows that statements read or change, or more: a session of the past fetches them first (shadow_tables.py).

A table in a condition has what was fetched above it, and every other comparison is by an index. What has no past (log
lines, presence, checkpoints, the archive) is not here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple


class Touched(NamedTuple):
    """Rows of one table."""

    table: str
    #: In SQL, with the parameters of the statement.
    condition: str


_BY_ID: Final = "id = %(id)s"
_TASKS_OF_RUNS: Final = "ANY (ARRAY(SELECT id FROM task_run WHERE flow_run_id = ANY (%(ids)s)))"
_RUNS_OF_FLOW: Final = "ANY (ARRAY(SELECT id FROM flow_run WHERE flow_id = %(id)s))"
_TASKS_OF_FLOW: Final = (
    "ANY (ARRAY(SELECT t.id FROM task_run AS t JOIN flow_run AS r ON r.id = t.flow_run_id WHERE r.flow_id = %(id)s))"
)

#: The tables of which a statement touches the row with its `id` alone.
_ONE_ROW: Final = {
    "update_flow_run": "flow_run",
    "mark_flow_run": "flow_run",
    "rename_task_run": "task_run",
    "update_flow": "flow",
    "update_variable": "variable",
    "delete_variable": "variable",
    "update_deployment": "deployment",
    "delete_deployment": "deployment",
    "update_work_pool": "work_pool",
    "update_work_queue": "work_queue",
    "delete_work_queue": "work_queue",
    "update_flow_run_input": "flow_run_input",
    "delete_flow_run_input": "flow_run_input",
    "delete_lease": "concurrency_lease",
}

#: By the name of the statement, in the order in which the rows can be found.
TOUCHED: Final[Mapping[str, Sequence[Touched]]] = {
    **{name: (Touched(table, _BY_ID),) for name, table in _ONE_ROW.items()},
    "show_task_runs": (Touched("task_run", "awaits_flow_run AND flow_run_id = ANY (%(ids)s)"),),
    "delete_flow_runs": (
        Touched("flow_run", "id = ANY (%(ids)s)"),
        Touched("task_run", "flow_run_id = ANY (%(ids)s)"),
        Touched("flow_run", f"parent_task_run_id = {_TASKS_OF_RUNS}"),
        Touched("task_run_state", f"task_run_id = {_TASKS_OF_RUNS}"),
        Touched("flow_run_state", "flow_run_id = ANY (%(ids)s)"),
        Touched("flow_run_input", "flow_run_id = ANY (%(ids)s)"),
    ),
    "delete_task_runs": (
        Touched("task_run", "id = ANY (%(ids)s)"),
        Touched("flow_run", "parent_task_run_id = ANY (%(ids)s)"),
        Touched("task_run_state", "task_run_id = ANY (%(ids)s)"),
    ),
    "delete_flow": (
        Touched("flow", _BY_ID),
        Touched("flow_run", "flow_id = %(id)s"),
        Touched("task_run", f"flow_run_id = {_RUNS_OF_FLOW}"),
        Touched("flow_run", f"parent_task_run_id = {_TASKS_OF_FLOW}"),
        Touched("task_run_state", f"task_run_id = {_TASKS_OF_FLOW}"),
        Touched("flow_run_state", f"flow_run_id = {_RUNS_OF_FLOW}"),
        Touched("flow_run_input", f"flow_run_id = {_RUNS_OF_FLOW}"),
        Touched("deployment", "flow_id = %(id)s"),
    ),
    "update_artifact": (Touched("artifact", _BY_ID), Touched("artifact_collection", "latest_id = %(id)s")),
    "show_newest_artifacts": (
        Touched("artifact_collection", "id = ANY (%(ids)s)"),
        Touched("artifact", "key = ANY (ARRAY(SELECT key FROM artifact_collection WHERE id = ANY (%(ids)s)))"),
    ),
    "delete_artifact": (
        Touched("artifact", _BY_ID),
        Touched("artifact", "key = (SELECT key FROM artifact WHERE id = %(id)s)"),
        Touched("artifact_collection", "latest_id = %(id)s"),
    ),
    "delete_work_pool": (Touched("work_pool", _BY_ID), Touched("work_queue", "work_pool_id = %(id)s")),
    "delete_limit": (
        Touched("concurrency_limit", _BY_ID),
        Touched("concurrency_lease", "limit_ids @> ARRAY[%(id)s]"),
    ),
    "forget_leases": (Touched("concurrency_lease", "limit_ids @> ARRAY[%(id)s]"),),
    "park": (Touched("parked_aggregate", "subject = %(subject)s"),),
    "wait": (Touched("parked_aggregate", "subject = %(subject)s"),),
    "heal": (Touched("parked_aggregate", "subject = %(subject)s"),),
}
