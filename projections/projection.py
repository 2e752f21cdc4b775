"""From an event to the changes it makes, whatever it is about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from events.log.port import Recorded
from projections.change import Change
from projections.flow import projection as flow
from projections.flow_run import projection as flow_run
from projections.flow_run_input import projection as flow_run_input
from projections.task_run import projection as task_run

PROJECTIONS: Final[dict[str, Callable[[Recorded], list[Change]]]] = {
    "flow": flow.project,
    "flow_run": flow_run.project,
    "flow_run_input": flow_run_input.project,
    "task_run": task_run.project,
}

#: Kinds that no table shows.
NOT_PROJECTED: Final = frozenset({"name"})


def project(recorded: Recorded) -> list[Change]:
    """The row changes of one event."""
    projection = PROJECTIONS.get(recorded.aggregate.kind)
    return projection(recorded) if projection is not None else []
