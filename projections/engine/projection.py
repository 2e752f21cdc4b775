"""Selects the projection of an event by the kind of its aggregate."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final
from uuid import UUID

from antiphon.events.errors import UndecodableError
from antiphon.events.log.port import Recorded
from antiphon.projections.artifact import projection as artifact
from antiphon.projections.core.change import Change
from antiphon.projections.deployment import projection as deployment
from antiphon.projections.flow import projection as flow
from antiphon.projections.flow_run import projection as flow_run
from antiphon.projections.flow_run_input import projection as flow_run_input
from antiphon.projections.limit import projection as limit
from antiphon.projections.task_run import projection as task_run
from antiphon.projections.variable import projection as variable
from antiphon.projections.work_pool import projection as work_pool

PROJECTIONS: Final[dict[str, Callable[[Recorded], list[Change]]]] = {
    "artifact": artifact.project,
    "deployment": deployment.project,
    "flow": flow.project,
    "flow_run": flow_run.project,
    "flow_run_input": flow_run_input.project,
    "lease": limit.project_lease,
    "limit": limit.project_limit,
    "task_run": task_run.project,
    "variable": variable.project,
    "work_pool": work_pool.project,
}

#: The name of their checkpoint and of their lock.
NAME: Final = "events"

#: Consecutive events often have the same aggregate.
_REMEMBERED: Final = 4096

#: The kinds of aggregates that have no table.
NOT_PROJECTED: Final = frozenset({"name", "task_cache"})


def project(recorded: Recorded) -> list[Change]:
    """The row changes of one event; raises UndecodableError if the id of its aggregate is no UUID."""
    projection = PROJECTIONS.get(recorded.aggregate.kind)
    if projection is None:
        return []
    if not _is_uuid(recorded.aggregate.id):
        msg = f"{recorded.aggregate.id!r} is not the id of a {recorded.aggregate.kind}: it is no UUID"
        raise UndecodableError(msg)
    return projection(recorded)


@lru_cache(_REMEMBERED)
def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
