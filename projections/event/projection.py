"""Projects reported events: a message on OBSERVED holds one event."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from antiphon.events import json_bytes
from antiphon.projections.core.change import Change, Put
from antiphon.projections.core.table import Table

#: The name of their checkpoint and of their lock.
NAME: Final = "events-observed"

EVENT: Final = Table(
    "event",
    {
        "id": "uuid",
        "occurred": "timestamptz",
        "received": "timestamptz",
        "event": "text",
        "resource_id": "text",
        "resource": "jsonb",
        "related": "jsonb",
        "payload": "jsonb",
        "follows": "uuid",
        "resource_ids": "text[]",
    },
    # Prefect too keeps the first event with an id.
    append_only=True,
)


def project(body: bytes) -> list[Change]:
    """The row of one message; raises ValueError, KeyError or TypeError if it holds no event."""
    event: dict[str, Any] = json_bytes.loads(body)
    resources = [event["resource"], *event["related"]]
    ids = [str(resource["prefect.resource.id"]) for resource in resources]
    row = {name: event.get(name) for name in EVENT.columns}
    return [Put(EVENT, row | {"id": UUID(event["id"]), "resource_id": ids[0], "resource_ids": sorted(set(ids))})]
