"""Prefect's events about created, changed and deleted resources, as its server emits them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import orjson

from antiphon.events import ids, json_bytes, subjects
from antiphon.events.log.nats.connection import Outgoing
from antiphon.events.message import Metadata

#: The fields whose changes are in events; Prefect calls the job variables of a deployment `infra_overrides`.
_COMPARED: Final = {
    "deployment": (
        *("description", "tags", "parameters", "parameter_openapi_schema", "enforce_parameter_schema", "entrypoint"),
        *("path", "pull_steps", "work_queue_id", "paused", "labels", "version", "concurrency_limit_id"),
        *("concurrency_options", "job_variables"),
    ),
    "work-pool": ("description", "base_job_template", "concurrency_limit", "storage_configuration"),
    "work-queue": ("name", "description", "concurrency_limit", "priority"),
}
_RENAMED: Final = {"job_variables": "infra_overrides"}

Labels = dict[str, str]


@dataclass(frozen=True, slots=True)
class Announcement:
    """One event without its times and its subject."""

    event: str
    resource: Labels
    related: Sequence[Labels] = ()
    payload: Mapping[str, Any] = field(default_factory=dict)

    def message(self, cause: Metadata, received: datetime) -> Outgoing:
        """The event as OBSERVED keeps it; its id is derived from the causing command."""
        about = self.resource["prefect.resource.id"]
        event = {
            "occurred": cause.occurred_at,
            "event": self.event,
            "resource": self.resource,
            "related": list(self.related),
            "payload": dict(self.payload),
            "id": ids.derived(cause.command_id, f"{self.event} {about}"),
            "follows": None,
            "received": received,
        }
        return subjects.observation_about(about), {}, json_bytes.dumps(event, orjson.OPT_UTC_Z)


def labels(kind: str, resource_id: object, name: object = None, role: str | None = None) -> Labels:
    """The labels of a resource: its id, its name if it has one, and its role in an event about another resource."""
    found = {"prefect.resource.id": f"prefect.{kind}.{resource_id}"}
    if name is not None:
        found["prefect.resource.name"] = str(name)
    return found if role is None else found | {"prefect.resource.role": role}


def updates(kind: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The payload of an event about changed fields, with old and new values; empty if none changed."""
    changed = [name for name in _COMPARED[kind] if before.get(name) != after.get(name)]
    if not changed:
        return {}
    found = {_RENAMED.get(name, name): {"from": before.get(name), "to": after.get(name)} for name in changed}
    return {"updated_fields": list(found), "updates": found}
