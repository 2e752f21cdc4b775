"""The related resources of a flow run: its flow, its deployment, its task run in a parent flow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final
from uuid import UUID

from cachetools import LRUCache

from antiphon.events.document.events import DocumentCreated, DocumentDeleted, DocumentUpdated
from antiphon.events.log.port import EventLog, Recorded
from antiphon.events.message import Event
from antiphon.events.subjects import Aggregate
from antiphon.events.task_run.events import TaskRunCreated, TaskRunDeleted, TaskRunRenamed, TaskRunStateRecorded
from antiphon.services.reactor.state_change import Named

_MOST: Final = 2_000


class Related:
    """The names and tags of related resources at a position of the log."""

    #: The events of cached resources; task runs are too many, and are read when they are needed.
    SUBJECTS: ClassVar[Sequence[str]] = ("evt.flow.*.*", "evt.deployment.*.*")

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._known: LRUCache[Aggregate, Named | None] = LRUCache(_MOST)

    def see(self, event: Recorded) -> None:
        """Apply an event of a cached resource."""
        if event.aggregate in self._known:
            self._known[event.aggregate] = _after(event.aggregate, self._known[event.aggregate], event.event)

    async def of(
        self, position: int, flow_id: UUID, deployment_id: UUID | None, parent_task_run_id: UUID | None
    ) -> dict[str, Named]:
        """The existing ones, by Prefect's name of their kind, in Prefect's order."""
        wanted = {
            "flow": await self._remembered(Aggregate("flow", str(flow_id)), position),
            "deployment": await self._remembered(Aggregate("deployment", str(deployment_id)), position)
            if deployment_id
            else None,
            "task-run": await self._read(Aggregate("task_run", str(parent_task_run_id)), position)
            if parent_task_run_id
            else None,
        }
        return {kind: found for kind, found in wanted.items() if found is not None}

    async def _remembered(self, aggregate: Aggregate, position: int) -> Named | None:
        if aggregate not in self._known:
            self._known[aggregate] = await self._read(aggregate, position)
        return self._known[aggregate]

    async def _read(self, aggregate: Aggregate, position: int) -> Named | None:
        found: Named | None = None
        async for earlier in self._log.read(aggregate):
            if earlier.position < position:
                found = _after(aggregate, found, earlier.event)
        return found


def _after(aggregate: Aggregate, known: Named | None, event: Event) -> Named | None:
    match event:
        case DocumentCreated(data=data):
            return Named(aggregate.id, str(data["name"]), tuple(data.get("tags") or ()))
        case TaskRunCreated(fields=fields) | TaskRunStateRecorded(fields=fields) if fields is not None:
            return Named(aggregate.id, fields.name, fields.tags)
        case DocumentDeleted() | TaskRunDeleted():
            return None
        case DocumentUpdated(changes=changes) if known is not None:
            tags = changes.get("tags", known.tags)
            return Named(aggregate.id, str(changes.get("name", known.name)), tuple(tags or ()))
        case TaskRunRenamed(name=name) if known is not None:
            return Named(aggregate.id, name, known.tags)
        case _:
            return known
