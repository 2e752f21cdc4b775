"""The events of the task cache, for one cache key.

The `TYPE` names below are stored in the log and never change: see docs/adr/0001.
"""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from antiphon.events.message import Event
from antiphon.events.state import State


class TaskCacheFilled(Event):
    """A task run completed with the cache key: until its cache expiration, others take `state` over."""

    TYPE: ClassVar[str] = "task_cache.filled"

    state: State


class TaskCacheConsulted(Event):
    """A task run was about to start with the cache key; `found` is the state it took over instead, if any.

    It is appended with the transition, and also asserts that the cache had not changed.
    """

    TYPE: ClassVar[str] = "task_cache.consulted"

    task_run_id: UUID
    found: UUID | None = None
