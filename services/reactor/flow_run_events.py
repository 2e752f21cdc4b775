"""Emits Prefect's event for every state that a flow run enters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from cachetools import LRUCache

from antiphon.events import subjects
from antiphon.events.flow_run.events import FlowRunCreated, FlowRunDeleted, FlowRunUpdated
from antiphon.events.log.nats.connection import Outgoing
from antiphon.events.log.port import EventLog, Recorded
from antiphon.events.message import Event
from antiphon.events.subjects import Aggregate
from antiphon.events.task_run.events import TaskRunCreated, TaskRunDeleted, TaskRunRenamed, TaskRunStateRecorded
from antiphon.events.transition import StateWritten
from antiphon.services.reactor import state_change
from antiphon.services.reactor.resources import ResourceStates
from antiphon.services.reactor.state_change import Named, StateChange
from antiphon.services.runtime import clock

#: The number of cached unfinished runs; the log is read for others.
_MOST_RUNS: Final = 10_000


class FlowRunEvents:
    """Part of antiphon.services.reactor.server_events.ServerEvents."""

    SUBJECTS: ClassVar[Sequence[str]] = ("evt.flow_run.>",)

    def __init__(self, log: EventLog, resources: ResourceStates) -> None:
        self._log = log
        self._resources = resources
        #: Each run as its creation would be if it were created now.
        self._runs: LRUCache[Aggregate, FlowRunCreated | None] = LRUCache(_MOST_RUNS)

    async def messages(self, event: Recorded) -> Sequence[Outgoing]:
        """The event about a run that entered a state."""
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
        change = StateChange(
            run=Named(event.aggregate.id, after.name, after.tags),
            run_count=after.progress.run_count,
            initial=None if before is None else before.state,
            entered=after.state,
            related=await self._related(after, event.position - 1),
            created_by=after.created_by,
        )
        subject = subjects.observation("flow_run", event.aggregate.id)
        return ((subject, {}, state_change.body(change, clock.now())),)

    async def _before(self, event: Recorded) -> FlowRunCreated | None:
        if isinstance(event.event, FlowRunCreated):
            return None
        if event.aggregate in self._runs:
            return self._runs[event.aggregate]
        run: FlowRunCreated | None = None
        async for earlier in self._log.read(event.aggregate):
            if earlier.position < event.position:
                run = _after(run, earlier.event)
        return run

    async def _related(self, run: FlowRunCreated, position: int) -> dict[str, Named]:
        """The existing related resources, by Prefect's name of their kind, in Prefect's order."""
        found: dict[str, Named] = {}
        for kind, resource_id in (("flow", run.flow_id), ("deployment", run.deployment_id)):
            resource = await self._resources.at(Aggregate(kind, str(resource_id)), position) if resource_id else None
            if resource is not None:
                tags = tuple(resource.data.get("tags") or ())
                found[kind] = Named(str(resource_id), str(resource.data["name"]), tags)
        if run.parent_task_run_id is not None:
            parent = await self._task_run(Aggregate("task_run", str(run.parent_task_run_id)), position)
            found |= {} if parent is None else {"task-run": parent}
        return found

    async def _task_run(self, key: Aggregate, position: int) -> Named | None:
        """The task run in a parent flow; there are too many to cache."""
        found: Named | None = None
        async for earlier in self._log.read(key):
            if earlier.position > position:
                break
            match earlier.event:
                case TaskRunCreated(fields=fields) | TaskRunStateRecorded(fields=fields) if fields is not None:
                    found = Named(key.id, fields.name, fields.tags)
                case TaskRunRenamed(name=name) if found is not None:
                    found = Named(key.id, name, found.tags)
                case TaskRunDeleted():
                    found = None
                case _:
                    pass
        return found


def _after(run: FlowRunCreated | None, event: Event) -> FlowRunCreated | None:
    match event:
        case FlowRunCreated():
            # Without the parts that may be large.
            return event.changed(state=event.state.changed(data=None), parameters={}, context={}, job_variables=None)
        case FlowRunDeleted():
            return None
        case StateWritten() if run is not None:
            return run.changed(state=event.state.changed(data=None), progress=event.progress)
        case FlowRunUpdated(changes=changes) if run is not None:
            name = changes.name if changes.name is not None else run.name
            return run.changed(name=name, tags=changes.tags if "tags" in changes.model_fields_set else run.tags)
        case _:
            return run
