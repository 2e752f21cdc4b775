"""Prefect's events about created, changed and deleted resources, as its server emits them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson

from antiphon.events import ids, json_bytes, subjects
from antiphon.events.log.nats.connection import Outgoing
from antiphon.events.message import Metadata
from antiphon.services.reactor.resources import ResourceState

_ID: Final = "prefect.resource.id"
_NAME: Final = "prefect.resource.name"
_ROLE: Final = "prefect.resource.role"
_POOL_TYPE: Final = "prefect.work-pool.type"

#: The fields whose changes are in events, by Prefect's names.
_OF_DEPLOYMENT: Final = {
    name: name
    for name in (
        *("description", "tags", "parameters", "parameter_openapi_schema", "enforce_parameter_schema", "entrypoint"),
        *("path", "pull_steps", "work_queue_id", "paused", "labels", "version", "concurrency_limit_id"),
        "concurrency_options",
    )
} | {"infra_overrides": "job_variables"}
_OF_POOL: Final = {
    name: name for name in ("description", "base_job_template", "concurrency_limit", "storage_configuration")
}
_OF_QUEUE: Final = {name: name for name in ("name", "description", "concurrency_limit", "priority")}
#: The fields that are in events with their present values.
_FIELDS: Final = {"flow": ("name", "tags", "labels"), "variable": ("name", "value", "tags")}

Labels = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """One event without its times and its subject."""

    event: str
    resource: Labels
    related: Sequence[Labels] = ()
    payload: Mapping[str, Any] = field(default_factory=dict)

    @property
    def about(self) -> str:
        """The id of its resource."""
        return self.resource[_ID]

    def body(self, cause: UUID, occurred: datetime, received: datetime) -> bytes:
        """The event as OBSERVED keeps it; its id is derived from the causing command."""
        event = {
            "occurred": occurred,
            "event": self.event,
            "resource": self.resource,
            "related": list(self.related),
            "payload": dict(self.payload),
            "id": ids.derived(cause, f"{self.event} {self.about}"),
            "follows": None,
            "received": received,
        }
        return json_bytes.dumps(event, orjson.OPT_UTC_Z)


def messages(found: Sequence[Announcement], cause: Metadata, received: datetime) -> list[Outgoing]:
    """The events as they are written to OBSERVED."""
    return [
        (subjects.observation_about(item.about), {}, item.body(cause.command_id, cause.occurred_at, received))
        for item in found
    ]


def of_document(kind: str, action: str, document_id: str, data: Mapping[str, Any]) -> Announcement:
    """A flow or a variable."""
    resource = {_ID: f"prefect.{kind}.{document_id}", _NAME: str(data["name"])}
    payload = {name: data.get(name) for name in _FIELDS[kind]}
    return Announcement(event=f"prefect.{kind}.{action}", resource=resource, payload=payload)


def of_deployment(
    action: str, deployment_id: str, data: Mapping[str, Any], related: Sequence[Labels], changes: Mapping[str, Any]
) -> Announcement:
    """A deployment."""
    resource = {_ID: f"prefect.deployment.{deployment_id}", _NAME: str(data["name"])}
    payload = _payload(changes)
    return Announcement(event=f"prefect.deployment.{action}", resource=resource, related=related, payload=payload)


def around_deployment(data: Mapping[str, Any], flow: ResourceState | None, pool: ResourceState | None) -> list[Labels]:
    """The related resources of a deployment: its flow, its queue, the queue's pool, its limit."""
    found: list[Labels] = []
    if flow is not None:
        found.append({_ID: f"prefect.flow.{data['flow_id']}", _NAME: str(flow.data["name"]), _ROLE: "flow"})
    queue_id = data.get("work_queue_id")
    queue = None if pool is None else pool.queues.get(str(queue_id))
    if pool is not None and queue is not None:
        found.append({_ID: f"prefect.work-queue.{queue_id}", _NAME: str(queue["name"]), _ROLE: "work-queue"})
        found.append(pool_labels(str(data["work_pool_id"]), pool.data))
    if data.get("concurrency_limit_id") is not None:
        limit = f"prefect.concurrency-limit.{data['concurrency_limit_id']}"
        found.append({_ID: limit, _ROLE: "concurrency-limit"})
    return found


def of_collection(action: str, latest_id: str, latest: Mapping[str, Any]) -> Announcement:
    """A collection: all artifacts of a key, with the latest of them."""
    key = str(latest["key"])
    related = [{_ID: f"prefect.artifact.{latest_id}", _ROLE: "latest"}]
    for kind in ("flow-run", "task-run"):
        run_id = latest.get(f"{kind.replace('-', '_')}_id")
        if run_id is not None:
            related.append({_ID: f"prefect.{kind}.{run_id}", _ROLE: kind})
    return Announcement(
        event=f"prefect.artifact-collection.{action}",
        resource={_ID: f"prefect.artifact-collection.{ids.artifact_collection_id(key)}", _NAME: key},
        related=related,
        payload={name: latest.get(name) for name in ("key", "type", "data", "description")},
    )


def of_pool(action: str, pool_id: str, pool: Mapping[str, Any], changes: Mapping[str, Any]) -> Announcement:
    """A work pool."""
    default = {_ID: f"prefect.work-queue.{pool['default_queue_id']}", _ROLE: "default-queue"}
    return Announcement(
        event=f"prefect.work-pool.{action}",
        resource=pool_labels(pool_id, pool),
        related=() if action == "updated" else (default,),
        payload=_payload(changes),
    )


def of_pool_status(status: str, pool_id: str, pool: Mapping[str, Any]) -> Announcement:
    """The status of a work pool."""
    resource = {name: value for name, value in pool_labels(pool_id, pool).items() if name != _ROLE}
    return Announcement(event=f"prefect.work-pool.{status}", resource=resource)


def of_queue(
    action: str, queue_id: str, queue: Mapping[str, Any], pool: Labels, changes: Mapping[str, Any]
) -> Announcement:
    """A queue of a work pool."""
    resource = {_ID: f"prefect.work-queue.{queue_id}", _NAME: str(queue["name"]), _ROLE: "work-queue"}
    payload = _payload(changes)
    return Announcement(event=f"prefect.work-queue.{action}", resource=resource, related=(pool,), payload=payload)


def pool_labels(pool_id: str, pool: Mapping[str, Any]) -> Labels:
    """The labels of a work pool."""
    return {
        _ID: f"prefect.work-pool.{pool_id}",
        _NAME: str(pool["name"]),
        _POOL_TYPE: str(pool["type"]),
        _ROLE: "work-pool",
    }


def changes_of(kind: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The changed fields, with old and new values."""
    fields = {"deployment": _OF_DEPLOYMENT, "work-pool": _OF_POOL, "work-queue": _OF_QUEUE}[kind]
    values = {name: (before.get(ours), after.get(ours)) for name, ours in fields.items()}
    return {name: {"from": former, "to": present} for name, (former, present) in values.items() if former != present}


def _payload(changes: Mapping[str, Any]) -> dict[str, Any]:
    return {"updated_fields": list(changes), "updates": dict(changes)} if changes else {}
