"""Task keys: within a flow run, a task key and a dynamic key name one task run."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from antiphon.events import ids
from antiphon.events.subjects import Aggregate
from antiphon.services.policy.engine.decider import Situation
from antiphon.services.policy.engine.lineage import holder_of


def key_name(flow_run_id: UUID | None, task_key: str, dynamic_key: str) -> Aggregate:
    """The reservation of a task run's keys within its flow run, or among task runs without one."""
    return ids.name_aggregate("task_run", str(flow_run_id), task_key, dynamic_key)


def owner_of(name: Aggregate, situation: Situation[Any]) -> Aggregate | None:
    """The task run that owns the keys, if it exists."""
    for owner in holder_of("task_run", name, situation.others):
        run = situation.known.get(owner)
        if owner == situation.aggregate or (run is not None and run.exists):
            return owner
    return None
