"""Projects the events of flow-run inputs."""

from __future__ import annotations

from typing import Final

from antiphon.events.log.port import Recorded
from antiphon.projections.core import document
from antiphon.projections.core.change import Change
from antiphon.projections.core.table import Table

FLOW_RUN_INPUT: Final = Table(
    "flow_run_input",
    {
        "id": "uuid",
        "created": "timestamptz",
        "updated": "timestamptz",
        "flow_run_id": "uuid",
        "key": "text",
        "value": "text",
        "sender": "text",
    },
)


def project(recorded: Recorded) -> list[Change]:
    """The row changes of one event of an input."""
    return document.changes(recorded, FLOW_RUN_INPUT)
