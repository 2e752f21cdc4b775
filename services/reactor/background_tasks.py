"""Puts every task run for task workers into the queue of its task key, on SCHEDULED.

Prefect keeps these queues in memory; here they outlive every process.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import orjson

from antiphon.events import subjects
from antiphon.events.log.nats.connection import Outgoing
from antiphon.events.log.port import EventLog, Recorded
from antiphon.events.state import State, StateType
from antiphon.events.task_run.events import (
    TaskRunCreated,
    TaskRunStateRecorded,
)
from antiphon.events.transition import StateWritten


class BackgroundTasks:
    """See antiphon.services.reactor.reaction.Reaction."""

    STREAM: ClassVar[str] = subjects.SCHEDULED
    SUBJECTS: ClassVar[Sequence[str]] = (
        "evt.task_run.*.state.created",
        "evt.task_run.*.state.accepted",
        "evt.task_run.*.state.replaced",
    )
    BEGINS_SECONDS_AGO: ClassVar[float | None] = None
    GATHERS_SECONDS: ClassVar[float] = 0

    def __init__(self, log: EventLog) -> None:
        self._log = log

    async def messages(self, event: Recorded) -> Sequence[Outgoing]:
        """The queue entry of a run that entered a deferred SCHEDULED state (EnqueueScheduledTasks)."""
        if not isinstance(event.event, StateWritten) or not _is_for_workers(event.event.state):
            return ()
        task_key = await self._task_key(event)
        if task_key is None:
            return ()
        body = {"task_key": task_key, "task_run_id": event.aggregate.id, "position": event.position}
        return ((subjects.scheduled(task_key, event.aggregate.id), {}, orjson.dumps(body)),)

    async def _task_key(self, event: Recorded) -> str | None:
        async for earlier in self._log.read(event.aggregate):
            match earlier.event:
                case TaskRunCreated(fields=fields) | TaskRunStateRecorded(fields=fields) if fields is not None:
                    return fields.task_key
        return None


def _is_for_workers(state: State) -> bool:
    details = state.state_details
    # The task run of a subflow is no background task.
    return state.type is StateType.SCHEDULED and bool(details.deferred) and details.child_flow_run_id is None
