"""Tables that are derived from the rows of runs: the criteria that they can answer, and the sessions that have them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakSet

from psycopg import AsyncConnection

from antiphon.projections.filters.conditions import Parameters
from antiphon.projections.filters.criteria import Criteria


@dataclass(frozen=True)
class Rollup:
    """Sums over the rows of a table, for each combination of some of its columns (schema/derived/run_sums.sql)."""

    of: str
    #: The FROM item with the sums; its alias is the name of the table, so that conditions fit both.
    source: str
    columns: frozenset[str]

    def answers(self, criteria: Criteria) -> bool:
        """Whether the sums have all columns in the criteria."""
        return criteria.columns(self.of) <= self.columns


COUNTS: Final = {
    "flow_run": Rollup(
        "flow_run",
        "flow_run_count AS flow_run",
        frozenset({"flow_id", "state_type", "state_name", "deployment_id", "work_queue_id"}),
    ),
    "task_run": Rollup(
        "task_run", "task_run_count AS task_run", frozenset({"state_type", "state_name", "awaits_flow_run"})
    ),
}

#: Sums of runs that start within an hour or five minutes.
BUCKETS: Final = {
    "flow_run": Rollup("flow_run", "run_bucket AS flow_run", frozenset({"state_type", "state_name"})),
    "task_run": Rollup(
        "task_run",
        "(SELECT *, false AS awaits_flow_run FROM run_bucket) AS task_run",
        frozenset({"state_type", "state_name", "awaits_flow_run"}),
    ),
}

#: The sessions that read the past: they have rows, but no derived tables.
_without: Final[WeakSet[AsyncConnection[Any]]] = WeakSet()


def do_without(connection: AsyncConnection[Any]) -> None:
    """Make queries on a connection read the rows only."""
    _without.add(connection)


def are_kept(connection: AsyncConnection[Any]) -> bool:
    """Whether a connection has the derived tables."""
    return connection not in _without


def parameters_on(connection: AsyncConnection[Any]) -> Parameters:
    """The parameters of a query on a connection."""
    return Parameters(uses_tag_tables=are_kept(connection))
