"""Emits Prefect's events about flows, variables, deployments, work pools and queues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from antiphon.events.document.events import DocumentCreated, DocumentDeleted, DocumentUpdated
from antiphon.events.log.nats.connection import Outgoing
from antiphon.events.log.port import EventLog, Recorded
from antiphon.events.message import Event
from antiphon.events.subjects import Aggregate
from antiphon.events.work_pool.events import WorkQueueCreated, WorkQueueDeleted, WorkQueueUpdated
from antiphon.services.reactor import announcement
from antiphon.services.reactor.announcement import Announcement, changes_of
from antiphon.services.reactor.resources import ResourceState, ResourceStates
from antiphon.services.runtime import clock

_AGENT: Final = "prefect-agent"


class ResourceEvents:
    """Part of antiphon.services.reactor.server_events.ServerEvents."""

    #: Flows and deployments are in the subjects of `Related`.
    SUBJECTS: ClassVar[Sequence[str]] = ("evt.variable.*.*", "evt.work_pool.*.*")

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._resources = ResourceStates(log)

    async def messages(self, event: Recorded) -> Sequence[Outgoing]:
        """The events that Prefect's server emits for this event."""
        return announcement.messages(await self._announcements(event), event.metadata, clock.now())

    async def _announcements(self, event: Recorded) -> Sequence[Announcement]:
        before, after = await self._resources.around(event)
        present = after or before
        if present is None:
            return ()
        key = event.aggregate
        match key.kind:
            case "flow" | "variable":
                return (announcement.of_document(key.kind, _action(event.event), key.id, present.data),)
            case "deployment":
                return await self._of_deployment(event, before, present)
            case _:
                return await self._of_pool(event, before, present)

    async def _of_deployment(
        self, event: Recorded, before: ResourceState | None, present: ResourceState
    ) -> Sequence[Announcement]:
        action, data = _action(event.event), present.data
        changes = changes_of("deployment", before.data, data) if before is not None and action == "updated" else {}
        if action == "updated" and not changes:
            return ()
        flow = await self._resources.at(Aggregate("flow", data["flow_id"]), event.position)
        pool_id = data.get("work_pool_id")
        pool = None if pool_id is None else await self._resources.at(Aggregate("work_pool", pool_id), event.position)
        related = announcement.around_deployment(data, flow, pool)
        return (announcement.of_deployment(action, event.aggregate.id, data, related, changes),)

    async def _of_pool(
        self, event: Recorded, before: ResourceState | None, present: ResourceState
    ) -> Sequence[Announcement]:
        pool_id, pool = event.aggregate.id, present.data
        match event.event:
            case WorkQueueCreated(queue_id=queue_id):
                return (_of_queue("created", pool_id, present, str(queue_id)),)
            case WorkQueueDeleted(queue_id=queue_id):
                return () if before is None else (_of_queue("deleted", pool_id, before, str(queue_id)),)
            case WorkQueueUpdated(queue_id=queue_id):
                made_room = await self._makes_room(event)
                return () if before is None or made_room else _of_changed_queue(pool_id, before, present, str(queue_id))
            case DocumentDeleted():
                queues = [_of_queue("deleted", pool_id, present, queue_id) for queue_id in present.queues]
                return (*queues, announcement.of_pool("deleted", pool_id, pool, {}))
            case DocumentUpdated(changes=changes) if before is not None:
                return _of_changed_pool(pool_id, before, present, changes)
            case _:
                return (announcement.of_pool("created", pool_id, pool, {}), *_status(pool_id, pool))

    async def _makes_room(self, event: Recorded) -> bool:
        """Whether a queue got another priority only because the command, whose event follows, gave its old one away."""
        async for later in self._log.read(event.aggregate, since=event.position + 1):
            if later.metadata.command_id == event.metadata.command_id:
                return True
        return False


def _status(pool_id: str, pool: Mapping[str, Any]) -> Sequence[Announcement]:
    """The status of a pool without workers; pools of Prefect's former agents have none."""
    if pool["type"] == _AGENT:
        return ()
    return (announcement.of_pool_status("paused" if pool["is_paused"] else "not-ready", pool_id, pool),)


def _of_changed_pool(
    pool_id: str, before: ResourceState, present: ResourceState, given: Mapping[str, Any]
) -> Sequence[Announcement]:
    changes = changes_of("work-pool", before.data, present.data)
    updated = (announcement.of_pool("updated", pool_id, present.data, changes),) if changes else ()
    # Prefect emits the event again when a paused pool is paused.
    return (*updated, *_status(pool_id, present.data)) if given.get("is_paused") else updated


def _of_queue(action: str, pool_id: str, pool: ResourceState, queue_id: str, changes: Any = None) -> Announcement:
    related = announcement.pool_labels(pool_id, pool.data)
    return announcement.of_queue(action, queue_id, pool.queues[queue_id], related, changes or {})


def _of_changed_queue(
    pool_id: str, before: ResourceState, present: ResourceState, queue_id: str
) -> Sequence[Announcement]:
    former, queue = before.queues.get(queue_id, {}), present.queues[queue_id]
    changes = changes_of("work-queue", former, queue)
    found = [_of_queue("updated", pool_id, present, queue_id, changes)] if changes else []
    if queue.get("status") == "PAUSED" and former.get("status") != "PAUSED":
        found.append(_of_queue("paused", pool_id, present, queue_id))
    return found


def _action(event: Event) -> str:
    if isinstance(event, DocumentCreated):
        return "created"
    return "deleted" if isinstance(event, DocumentDeleted) else "updated"
