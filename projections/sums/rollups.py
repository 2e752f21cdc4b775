"""What the read models keep of their own rows, above all sums: what these can answer, and where they are.

schema/derived/run_sums.sql keeps them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final
from weakref import WeakSet

from psycopg import AsyncConnection

from antiphon.projections.filters.conditions import Parameters

#: In the unit of the times in `PERIODS`.
SECOND: Final = 1_000_000


class Series(IntEnum):
    """Which periods a row of `PERIODS` is one of."""

    #: The parts of an hour are its minutes, those of a day its hours.
    EXPECTED_HOUR = 1
    EXPECTED_DAY = 2
    #: By the effective start, which task runs do not have.
    BEGAN_HOUR = 3
    #: Of the expected start again, for runs that are running or wait: in place of times the instants from which these
    #: grow (schema/derived/run_sums.sql).
    GROWING_HOUR = 4
    GROWING_DAY = 5


@dataclass(frozen=True)
class Rollup:
    """Sums over the rows of a table, for each combination of some of its columns."""

    table: str
    of: str
    columns: frozenset[str]

    def answers(self, condition: str) -> bool:
        """Whether a condition on the rows speaks only of columns that are here as well; then it may be asked here."""
        return set(re.findall(rf"\b{self.of}\.(\w+)", condition)) <= self.columns

    @property
    def source(self) -> str:
        """The table under the name of the rows it sums up, so that the same condition can be asked of it."""
        return f"{self.table} AS {self.of}"


COUNTS: Final = {
    "flow_run": Rollup(
        "flow_run_count",
        "flow_run",
        frozenset({"flow_id", "state_type", "state_name", "deployment_id", "work_queue_id"}),
    ),
    "task_run": Rollup("task_run_count", "task_run", frozenset({"state_type", "state_name", "awaits_flow_run"})),
}

#: By the hours and days in which runs start (`Series`), each with its parts; times are in microseconds (`SECOND`).
PERIODS: Final = {
    "flow_run": Rollup("flow_run_period", "flow_run", frozenset({"state_type", "state_name"})),
    "task_run": Rollup("task_run_period", "task_run", frozenset({"state_type", "state_name", "awaits_flow_run"})),
}

#: Connections to tables beside which nothing is kept: no sums, no tags.
_without: Final[WeakSet[AsyncConnection[Any]]] = WeakSet()


def do_without(connection: AsyncConnection[Any]) -> None:
    """Have all that is asked on a connection counted anew, from the rows."""
    _without.add(connection)


def are_kept(connection: AsyncConnection[Any]) -> bool:
    """Whether a connection finds what is kept beside the rows that it finds."""
    return connection not in _without


def parameters_on(connection: AsyncConnection[Any]) -> Parameters:
    """Parameters of a query on a connection."""
    return Parameters(finds_tags_apart=are_kept(connection))
