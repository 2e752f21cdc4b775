"""Projects the events of flows."""

from __future__ import annotations

from typing import Final

from antiphon.events.log.port import Recorded
from antiphon.projections.core import document
from antiphon.projections.core.change import Change
from antiphon.projections.core.table import Table

FLOW: Final = Table(
    "flow",
    {
        "id": "uuid",
        "created": "timestamptz",
        "updated": "timestamptz",
        "name": "text",
        "tags": "text[]",
        "labels": "json",
    },
)


def project(recorded: Recorded) -> list[Change]:
    """The row changes of one event of a flow."""
    return document.changes(recorded, FLOW)
