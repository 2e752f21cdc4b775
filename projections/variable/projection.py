"""Projects the events of variables."""

from __future__ import annotations

from typing import Final

from antiphon.events.log.port import Recorded
from antiphon.projections.core import document
from antiphon.projections.core.change import Change
from antiphon.projections.core.table import Table

VARIABLE: Final = Table(
    "variable",
    {
        "id": "uuid",
        "created": "timestamptz",
        "updated": "timestamptz",
        "name": "text",
        "value": "json",
        "tags": "text[]",
    },
)


def project(recorded: Recorded) -> list[Change]:
    """The row changes of one event of a variable."""
    return document.changes(recorded, VARIABLE)
