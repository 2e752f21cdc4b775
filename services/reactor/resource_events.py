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
from antiphon.services.reactor.announcement import Announcement, Labels, labels, updates
from antiphon.services.reactor.resources import ResourceState, ResourceStates
from antiphon.services.runtime import clock

_AGENT: Final = "prefect-agent"
#: The fields that are in events with their present values.
_FIELDS: Final = {"flow": ("name", "tags", "labels"), "variable": ("name", "value", "tags")}


class ResourceEvents:
    """Part of antiphon.services.reactor.server_events.ServerEvents."""

    SUBJECTS: ClassVar[Sequence[str]] = ("evt.flow.*.*", "evt.deployment.*.*", "evt.variable.*.*", "evt.work_pool.*.*")

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self.resources = ResourceStates(log)

    async def messages(self, event: Recorded) -> Sequence[Outgoing]:
        """The events that Prefect's server emits for this event."""
        return [item.message(event.metadata, clock.now()) for item in await self._announcements(event)]

    async def _announcements(self, event: Recorded) -> Sequence[Announcement]:
        before, after = await self.resources.around(event)
        present = after or before
        if present is None:
            return ()
        kind, data = event.aggregate.kind, present.data
        match kind:
            case "flow" | "variable":
                payload = {name: data.get(name) for name in _FIELDS[kind]}
            case "deployment":
                payload = updates(kind, before.data, data) if before is not None else {}
                if after is not None and before is not None and not payload:
                    return ()
            case _:
                return await self._of_pool(event, before, present)
        related = await self._around_deployment(data, event.position) if kind == "deployment" else ()
        resource = labels(kind, event.aggregate.id, data["name"])
        return (Announcement(f"prefect.{kind}.{_action(event.event)}", resource, related, payload),)

    async def _around_deployment(self, data: Mapping[str, Any], position: int) -> Sequence[Labels]:
        """The related resources of a deployment: its flow, its queue, the queue's pool, its limit."""
        flow_id, pool_id, queue_id = data["flow_id"], data.get("work_pool_id"), data.get("work_queue_id")
        found: list[Labels] = []
        flow = await self.resources.at(Aggregate("flow", flow_id), position)
        if flow is not None:
            found.append(labels("flow", flow_id, flow.data["name"], "flow"))
        pool = None if pool_id is None else await self.resources.at(Aggregate("work_pool", pool_id), position)
        if pool is not None and str(queue_id) in pool.queues:
            found += [_queue_labels(pool, str(queue_id)), _pool_labels(str(pool_id), pool)]
        if data.get("concurrency_limit_id") is not None:
            found.append(labels("concurrency-limit", data["concurrency_limit_id"], role="concurrency-limit"))
        return found

    async def _of_pool(
        self, event: Recorded, before: ResourceState | None, present: ResourceState
    ) -> Sequence[Announcement]:
        pool_id = event.aggregate.id
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
                return (*queues, _of_whole_pool("deleted", pool_id, present))
            case DocumentUpdated(changes=changes) if before is not None:
                return _of_changed_pool(pool_id, before, present, changes)
            case _:
                return (_of_whole_pool("created", pool_id, present), *_status(pool_id, present))

    async def _makes_room(self, event: Recorded) -> bool:
        """Whether a queue got another priority only because the command, whose event follows, gave its old one away."""
        async for later in self._log.read(event.aggregate, since=event.position + 1):
            if later.metadata.command_id == event.metadata.command_id:
                return True
        return False


def _pool_labels(pool_id: str, pool: ResourceState) -> Labels:
    own = labels("work-pool", pool_id, pool.data["name"])
    return own | {"prefect.work-pool.type": str(pool.data["type"]), "prefect.resource.role": "work-pool"}


def _queue_labels(pool: ResourceState, queue_id: str) -> Labels:
    return labels("work-queue", queue_id, pool.queues[queue_id]["name"], "work-queue")


def _of_whole_pool(action: str, pool_id: str, pool: ResourceState) -> Announcement:
    default = labels("work-queue", pool.data["default_queue_id"], role="default-queue")
    return Announcement(f"prefect.work-pool.{action}", _pool_labels(pool_id, pool), (default,))


def _status(pool_id: str, pool: ResourceState) -> Sequence[Announcement]:
    """The status of a pool without workers; pools of Prefect's former agents have none."""
    if pool.data["type"] == _AGENT:
        return ()
    resource = _pool_labels(pool_id, pool)
    del resource["prefect.resource.role"]
    return (Announcement(f"prefect.work-pool.{'paused' if pool.data['is_paused'] else 'not-ready'}", resource),)


def _of_changed_pool(
    pool_id: str, before: ResourceState, present: ResourceState, given: Mapping[str, Any]
) -> Sequence[Announcement]:
    payload, resource = updates("work-pool", before.data, present.data), _pool_labels(pool_id, present)
    updated = (Announcement("prefect.work-pool.updated", resource, payload=payload),) if payload else ()
    # Prefect emits the event again when a paused pool is paused.
    return (*updated, *_status(pool_id, present)) if given.get("is_paused") else updated


def _of_queue(
    action: str, pool_id: str, pool: ResourceState, queue_id: str, payload: Mapping[str, Any] | None = None
) -> Announcement:
    resource, related = _queue_labels(pool, queue_id), (_pool_labels(pool_id, pool),)
    return Announcement(f"prefect.work-queue.{action}", resource, related, payload or {})


def _of_changed_queue(
    pool_id: str, before: ResourceState, present: ResourceState, queue_id: str
) -> Sequence[Announcement]:
    former, queue = before.queues.get(queue_id, {}), present.queues[queue_id]
    payload = updates("work-queue", former, queue)
    found = [_of_queue("updated", pool_id, present, queue_id, payload)] if payload else []
    if queue.get("status") == "PAUSED" and former.get("status") != "PAUSED":
        found.append(_of_queue("paused", pool_id, present, queue_id))
    return found


def _action(event: Event) -> str:
    if isinstance(event, DocumentCreated):
        return "created"
    return "deleted" if isinstance(event, DocumentDeleted) else "updated"
