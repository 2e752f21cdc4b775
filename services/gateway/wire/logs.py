"""Log lines as requests bring them."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel, ConfigDict

from projections.moments import Moment


class LogCreate(BaseModel):
    """Prefect's LogCreate."""

    model_config = ConfigDict(extra="forbid")

    name: str
    level: int
    message: str
    timestamp: Moment
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None
