"""Projects log lines: a message on OBSERVED holds a JSON array of lines."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from antiphon.events import json_bytes
from antiphon.projections.core.change import Change, Put
from antiphon.projections.core.table import Table

LOG: Final = Table(
    "log",
    {
        "id": "uuid",
        "created": "timestamptz",
        "updated": "timestamptz",
        "name": "text",
        "level": "integer",
        "message": "text",
        "timestamp": "timestamptz",
        "flow_run_id": "uuid",
        "task_run_id": "uuid",
    },
    append_only=True,
)


def project(body: bytes) -> list[Change]:
    """The rows of one message; raises ValueError, KeyError or TypeError if it holds no log lines."""
    lines: list[dict[str, Any]] = json_bytes.loads(body)
    return [Put(LOG, _row(line)) for line in lines]


def _row(line: dict[str, Any]) -> dict[str, Any]:
    row = {name: line.get(name) for name in LOG.columns}
    return row | {"id": UUID(line["id"]), "updated": line["created"]}
