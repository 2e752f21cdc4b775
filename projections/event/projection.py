"""Reported events as rows: a message on OBSERVED holds one."""

from __future__ import annotations

import json
import re
from typing import Any, Final
from uuid import UUID

from antiphon.projections.core.change import Change, Put
from antiphon.projections.core.table import Table

#: The name of their checkpoint and their turn.
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
    # The first with an id stays, as with Prefect.
    append_only=True,
)
#: PostgreSQL has no NUL character; a backslash before it may itself be escaped.
_NUL: Final = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


def project(body: bytes) -> list[Change]:
    """The row of one message; raises ValueError, KeyError or TypeError when it holds no event."""
    # Not orjson: a payload may hold integers beyond 64 bits.
    event: dict[str, Any] = json.loads(_NUL.sub(rb"\1", body) if rb"\u0000" in body else body)
    resources = [event["resource"], *event["related"]]
    ids = [str(resource["prefect.resource.id"]) for resource in resources]
    row = {name: event.get(name) for name in EVENT.columns}
    return [Put(EVENT, row | {"id": UUID(event["id"]), "resource_id": ids[0], "resource_ids": sorted(set(ids))})]
