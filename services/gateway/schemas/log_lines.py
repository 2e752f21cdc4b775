"""Prefect's LogFilter for live lines: decides on one line at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from antiphon.projections.filters import text_query
from antiphon.projections.filters.objects import LogFilter


@dataclass(frozen=True, slots=True)
class LogLine:
    """The parts of a log line that filters test."""

    level: int
    timestamp: datetime
    flow_run_id: UUID | None
    task_run_id: UUID | None
    text: str

    @classmethod
    def of(cls, line: dict[str, Any]) -> LogLine:
        """Decode a line of OBSERVED; raises ValueError, KeyError or TypeError for anything else."""
        return cls(
            int(line["level"]),
            datetime.fromisoformat(line["timestamp"]),
            _id(line["flow_run_id"]),
            _id(line["task_run_id"]),
            f"{line['message']} {line['name']}",
        )


def _id(text: str | None) -> UUID | None:
    return None if text is None else UUID(text)


def includes(wanted: LogFilter, line: LogLine) -> bool:
    """Whether the line matches all parts of the filter; Prefect's streams ignore its operator too."""
    level, timestamp, flow_run, task_run = wanted.level, wanted.timestamp, wanted.flow_run_id, wanted.task_run_id
    return (
        (level is None or _is_within(line.level, level.ge_, level.le_))
        and (timestamp is None or _is_within(line.timestamp, timestamp.after_, timestamp.before_))
        and (flow_run is None or flow_run.any_ is None or line.flow_run_id in flow_run.any_)
        and (task_run is None or task_run.any_ is None or line.task_run_id in task_run.any_)
        and (task_run is None or task_run.is_null_ in (None, line.task_run_id is None))
        and (wanted.text is None or text_query.parse(wanted.text.query).matches(line.text))
    )


def _is_within(value: Any, least: Any, most: Any) -> bool:
    return (least is None or value >= least) and (most is None or value <= most)
