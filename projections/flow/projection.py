"""What the events of flows do to rows."""

from __future__ import annotations

from typing import Final

from events.log.port import Recorded
from projections import document
from projections.change import Change
from projections.table import Table

FLOW: Final = Table(
    "flow",
    {
        "id": "uuid",
        "created": "timestamptz",
        "updated": "timestamptz",
        "name": "text",
        "tags": "text[]",
        "labels": "jsonb",
    },
)


def project(recorded: Recorded) -> list[Change]:
    """The row changes of one event of a flow."""
    return document.changes(recorded, FLOW)
