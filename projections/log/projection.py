"""Projects log lines: a message on OBSERVED holds a JSON array of lines."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import orjson

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
    lines: list[dict[str, Any]] = orjson.loads(body)
    return [Put(LOG, _row(line)) for line in lines]


def _row(line: dict[str, Any]) -> dict[str, Any]:
    # PostgreSQL cannot store a NUL character in a text.
    texts = {name: str(line[name]).replace("\x00", "") for name in ("name", "message")}
    row = {name: line.get(name) for name in LOG.columns} | texts
    return row | {"id": UUID(line["id"]), "updated": line["created"]}
