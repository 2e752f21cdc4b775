"""Projects reported events: a message on OBSERVED holds one event."""

from __future__ import annotations

import json
import re
from typing import Any, Final
from uuid import UUID

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
#: The escape of a NUL character, which PostgreSQL cannot store; no match if its backslash is itself escaped.
_NUL: Final = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


def project(body: bytes) -> list[Change]:
    """The row of one message; raises ValueError, KeyError or TypeError if it holds no event."""
    # orjson does not read integers of more than 64 bits, which a payload may hold.
    event: dict[str, Any] = json.loads(_NUL.sub(rb"\1", body) if rb"\u0000" in body else body)
    resources = [event["resource"], *event["related"]]
    ids = [str(resource["prefect.resource.id"]) for resource in resources]
    row = {name: event.get(name) for name in EVENT.columns}
    return [Put(EVENT, row | {"id": UUID(event["id"]), "resource_id": ids[0], "resource_ids": sorted(set(ids))})]
