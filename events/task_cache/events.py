"""The events of the task cache, for one cache key.

The types below are stored in the log and never change: see docs/adr/0001.
"""

from __future__ import annotations

from uuid import UUID

from antiphon.events.message import Event
from antiphon.events.state import State


class TaskCacheFilled(Event, type="task_cache.filled"):
    """A task run completed with the cache key: until its cache expiration, others take `state` over."""

    state: State


class TaskCacheConsulted(Event, type="task_cache.consulted"):
    """A task run was about to start with the cache key; `found` is the state it took over instead, if any.

    It is appended with the transition, and also asserts that the cache had not changed.
    """

    task_run_id: UUID
    found: UUID | None = None
