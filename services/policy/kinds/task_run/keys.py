"""Task keys: within a flow run, a task key and a dynamic key name one task run."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from antiphon.events import ids
from antiphon.events.subjects import Aggregate
from antiphon.services.policy.engine.decider import Situation


def key_name(flow_run_id: UUID | None, task_key: str, dynamic_key: str) -> Aggregate:
    """The reservation of a task run's keys within its flow run, or among task runs without one."""
    return ids.name_aggregate("task_run", str(flow_run_id), task_key, dynamic_key)


def owner_of(name: Aggregate, situation: Situation[Any]) -> Aggregate | None:
    """The task run that owns the keys, if it exists."""
    claim = situation.others.get(name)
    if claim is None or claim.owner is None:
        return None
    owner = Aggregate("task_run", claim.owner)
    if owner == situation.aggregate:
        return owner
    held_by = situation.others.get(owner)
    return owner if held_by is not None and held_by.exists else None
