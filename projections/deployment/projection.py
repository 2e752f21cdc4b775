"""Projects the events of deployments."""

from __future__ import annotations

from typing import Final

from antiphon.events.log.port import Recorded
from antiphon.projections.core import document
from antiphon.projections.core.change import Change
from antiphon.projections.core.table import Table

DEPLOYMENT: Final = Table(
    "deployment",
    {
        "id": "uuid",
        "created": "timestamptz",
        "updated": "timestamptz",
        "name": "text",
        "flow_id": "uuid",
        "version": "text",
        "description": "text",
        "paused": "boolean",
        "concurrency_limit_id": "uuid",
        "concurrency_options": "json",
        "job_variables": "json",
        "parameters": "json",
        "tags": "text[]",
        "labels": "json",
        "work_queue_name": "text",
        "work_queue_id": "uuid",
        "work_pool_id": "uuid",
        "last_polled": "timestamptz",
        "parameter_openapi_schema": "json",
        "path": "text",
        "pull_steps": "json",
        "entrypoint": "text",
        "enforce_parameter_schema": "boolean",
        "status": "text",
    },
)


def project(recorded: Recorded) -> list[Change]:
    """The row changes of one event of a deployment."""
    return document.changes(recorded, DEPLOYMENT)
