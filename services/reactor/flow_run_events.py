"""Emits Prefect's event for every state that a flow run enters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Final
from uuid import UUID

from cachetools import LRUCache

from antiphon.events import subjects
from antiphon.events.flow_run.events import (
    CreatedBy,
    FlowRunCreated,
    FlowRunDeleted,
    FlowRunUpdated,
)
from antiphon.events.log.nats.connection import Outgoing
from antiphon.events.log.port import EventLog, Recorded
from antiphon.events.message import Event
from antiphon.events.state import State
from antiphon.events.subjects import Aggregate
from antiphon.events.transition import StateWritten
from antiphon.services.reactor import state_change
from antiphon.services.reactor.related import Related
from antiphon.services.reactor.state_change import Named, StateChange
from antiphon.services.runtime import clock

#: The number of cached unfinished runs; the log is read for others.
_MOST_RUNS: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _FlowRun:
    """The facts about a run that its events contain."""

    name: str
    tags: tuple[str, ...]
    flow_id: UUID
    deployment_id: UUID | None
    parent_task_run_id: UUID | None
    created_by: CreatedBy | None
    state: State
    run_count: int

    def after(self, event: Event) -> _FlowRun | None:
        match event:
            case StateWritten():
                return replace(self, state=event.state.changed(data=None), run_count=event.progress.run_count)
            case FlowRunUpdated(changes=changes):
                changed = changes.model_fields_set
                name = changes.name if "name" in changed and changes.name is not None else self.name
                return replace(self, name=name, tags=changes.tags if "tags" in changed else self.tags)
            case FlowRunDeleted():
                return None
            case _:
                return self


def _created(event: FlowRunCreated) -> _FlowRun:
    return _FlowRun(
        name=event.name,
        tags=event.tags,
        flow_id=event.flow_id,
        deployment_id=event.deployment_id,
        parent_task_run_id=event.parent_task_run_id,
        created_by=event.created_by,
        state=event.state.changed(data=None),
        run_count=event.progress.run_count,
    )


class FlowRunEvents:
    """Part of antiphon.services.reactor.server_events.ServerEvents."""

    SUBJECTS: ClassVar[Sequence[str]] = ("evt.flow_run.>", *Related.SUBJECTS)

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._runs: LRUCache[Aggregate, _FlowRun | None] = LRUCache(_MOST_RUNS)
        self._related = Related(log)

    async def messages(self, event: Recorded) -> Sequence[Outgoing]:
        """The event about a run that entered a state."""
        if event.aggregate.kind != "flow_run":
            self._related.see(event)
            return ()
        if not isinstance(event.event, StateWritten) and event.aggregate not in self._runs:
            return ()
        before = await self._before(event)
        after = _after(before, event.event)
        if after is None or after.state.is_terminal:
            # Further events of it are rare.
            self._runs.pop(event.aggregate, None)
        else:
            self._runs[event.aggregate] = after
        if after is None or not isinstance(event.event, StateWritten):
            return ()
        if isinstance(event.event, FlowRunCreated) and event.event.auto_scheduled:
            # The scheduler made it: the first state is no news.
            return ()
        things = after.flow_id, after.deployment_id, after.parent_task_run_id
        change = StateChange(
            run=Named(event.aggregate.id, after.name, after.tags),
            run_count=after.run_count,
            initial=None if before is None else before.state,
            entered=after.state,
            related=await self._related.of(event.position, *things),
            created_by=after.created_by,
        )
        subject = subjects.observation("flow_run", event.aggregate.id)
        return ((subject, {}, state_change.body(change, clock.now())),)

    async def _before(self, event: Recorded) -> _FlowRun | None:
        if isinstance(event.event, FlowRunCreated):
            return None
        if event.aggregate in self._runs:
            return self._runs[event.aggregate]
        run: _FlowRun | None = None
        async for earlier in self._log.read(event.aggregate):
            if earlier.position < event.position:
                run = _after(run, earlier.event)
        return run


def _after(run: _FlowRun | None, event: Event) -> _FlowRun | None:
    if isinstance(event, FlowRunCreated):
        return _created(event)
    return None if run is None else run.after(event)
