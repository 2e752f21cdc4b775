"""Requests about log lines."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from pydantic import Field

from antiphon.services.gateway.schemas.moments import Moment
from antiphon.services.gateway.schemas.strict import StrictModel

#: The column is an integer of 32 bits, as in Prefect's own schema for PostgreSQL.
_LARGEST: Final = 2**31 - 1


class LogCreate(StrictModel):
    """Prefect's LogCreate."""

    name: str
    level: Annotated[int, Field(ge=-_LARGEST - 1, le=_LARGEST)]
    message: str
    timestamp: Moment
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None
