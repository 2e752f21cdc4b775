"""The completed state that a task run reuses instead of running (docs/prefect/rules.md section 4)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from antiphon.events import ids
from antiphon.events.state import ProposedState, State, StateType
from antiphon.events.subjects import Aggregate
from antiphon.services.policy.engine.decider import Situation
from antiphon.services.policy.engine.lineage import is_there, lineage


def cache_of(state: ProposedState | None) -> Aggregate | None:
    """The cache that a transition to this state may consult or fill."""
    if state is None or not state.state_details.cache_key:
        return None
    if state.type not in (StateType.RUNNING, StateType.COMPLETED):
        return None
    return ids.task_cache(state.state_details.cache_key)


def related(state: ProposedState | None, situation: Situation[Any]) -> tuple[Aggregate, ...]:
    """The cache of a proposed state, and the task run that its newest entry comes from."""
    cache = cache_of(state)
    if cache is None:
        return ()
    entry = _newest(cache, situation)
    if entry is None:
        return (cache,)
    return cache, *lineage(_source(entry), situation.known)


def found(cache: Aggregate, situation: Situation[Any]) -> State | None:
    """The newest entry that has not expired, unless the task run of its state was deleted."""
    entry = _newest(cache, situation)
    if entry is None:
        return None
    source = _source(entry)
    is_left = is_there(source, situation.known) and entry.id in situation.known[source].state_ids
    return entry if is_left else None


def _newest(cache: Aggregate, situation: Situation[Any]) -> State | None:
    known = situation.others.get(cache)
    entry: State | None = None if known is None else known.newest(situation.now)
    return entry


def _source(entry: State) -> Aggregate:
    run_id: UUID | None = entry.state_details.task_run_id
    return Aggregate("task_run", str(run_id))
