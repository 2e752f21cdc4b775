"""The sums that the read models keep of their own rows: what they can answer, and where they are (0006_rollups.sql)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final


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

MINUTES: Final = {
    "flow_run": Rollup("flow_run_minute", "flow_run", frozenset({"state_type", "state_name"})),
    "task_run": Rollup("task_run_minute", "task_run", frozenset({"state_type", "state_name", "awaits_flow_run"})),
}
