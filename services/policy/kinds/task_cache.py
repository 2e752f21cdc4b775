"""The fold of a cache key: the completed states that task runs reuse. Transitions fill it; no command does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from antiphon.events.message import Event
from antiphon.events.state import State
from antiphon.events.task_cache.events import TaskCacheFilled
from antiphon.services.policy.engine.decider import Decider


@dataclass(frozen=True, slots=True)
class TaskCache:
    """The entries of one key, the oldest first; an entry that expires before a newer one is dropped."""

    entries: tuple[State, ...] = ()

    def newest(self, now: datetime) -> State | None:
        """The newest entry that has not expired."""
        for state in reversed(self.entries):
            expiration = state.state_details.cache_expiration
            if expiration is None or expiration > now:
                return state
        return None


INITIAL = TaskCache()


def evolve(cache: TaskCache, event: Event) -> TaskCache:
    """The cache after `event`."""
    if not isinstance(event, TaskCacheFilled):
        return cache
    expiration = event.state.state_details.cache_expiration
    # An older entry is found only after the newer one has expired.
    outlasting = [] if expiration is None else [entry for entry in cache.entries if _outlasts(entry, expiration)]
    return TaskCache((*outlasting, event.state))


def _outlasts(entry: State, expiration: datetime) -> bool:
    own = entry.state_details.cache_expiration
    return own is None or own > expiration


TASK_CACHE: Decider[TaskCache] = Decider(initial=INITIAL, evolve=evolve)
