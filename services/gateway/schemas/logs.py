"""Log lines as clients send them, and the decision of Prefect's LogFilter on one live line."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import BaseModel

from antiphon.events.numbers import Number
from antiphon.projections.filters import text_query
from antiphon.projections.filters.objects import LogFilter
from antiphon.services.gateway.schemas.fields import Moment


class LogLine(BaseModel):
    """A log line; on OBSERVED it has an id and the time of its receipt too."""

    name: str
    level: Number
    message: str
    timestamp: Moment
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None


class LogCreate(LogLine, extra="forbid"):
    """Prefect's LogCreate."""


def includes(wanted: LogFilter, line: LogLine) -> bool:
    """Whether the line matches all parts of the filter; Prefect's streams ignore its operator too."""
    level, timestamp, flow_run, task_run = wanted.level, wanted.timestamp, wanted.flow_run_id, wanted.task_run_id
    return (
        (level is None or _is_within(line.level, level.ge_, level.le_))
        and (timestamp is None or _is_within(line.timestamp, timestamp.after_, timestamp.before_))
        and (flow_run is None or flow_run.any_ is None or line.flow_run_id in flow_run.any_)
        and (task_run is None or task_run.any_ is None or line.task_run_id in task_run.any_)
        and (task_run is None or task_run.is_null_ in (None, line.task_run_id is None))
        and (wanted.text is None or text_query.parse(wanted.text.query).matches(f"{line.message} {line.name}"))
    )


def _is_within(value: Any, least: Any, most: Any) -> bool:
    return (least is None or value >= least) and (most is None or value <= most)
