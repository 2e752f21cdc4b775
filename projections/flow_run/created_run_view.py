"""Renders a new run from the events of its creation, without a read of the database (docs/adr/0004).

The projection computes the row, as for the table. tests/integration/gateway/test_fresh.py compares the result with a
read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import orjson

from antiphon.events.client.client import DecisionReply
from antiphon.events.log.port import Recorded
from antiphon.events.message import Metadata
from antiphon.events.subjects import Aggregate
from antiphon.projections.core import durations
from antiphon.projections.core.change import Change, Row, merge
from antiphon.projections.core.reading import encoded
from antiphon.projections.core.table import Table
from antiphon.projections.flow_run.projection import FLOW_RUN
from antiphon.projections.flow_run.projection import project as project_flow_run
from antiphon.projections.flow_run.queries import FLOW_RUNS
from antiphon.projections.resource import Resource
from antiphon.projections.task_run.projection import TASK_RUN
from antiphon.projections.task_run.projection import project as project_task_run
from antiphon.projections.task_run.queries import TASK_RUNS


@dataclass(frozen=True, eq=False)
class CreatedRunView:
    """The view of new runs of one kind; the table has the name of the kind."""

    resource: Resource[Any]
    table: Table
    project: Callable[[Recorded], list[Change]]

    def shown(self, reply: DecisionReply, now: datetime) -> bytes | None:
        """The run as JSON; None if the reply does not suffice.

        It does not if it has no events, for a run that has started, for a run in a work queue (the response shows the
        pool), and for integers of more than 64 bits.
        """
        row = self._row(reply)
        if row is None or row.get("state_type") not in ("SCHEDULED", "PENDING") or row.get("work_queue_id") is not None:
            return None
        row |= durations.of_waiting(row, now)
        try:
            return encoded({name: row.get(name) for name in self.resource.columns})
        except orjson.JSONEncodeError:
            return None

    def _row(self, reply: DecisionReply) -> Row | None:
        outcome, at = reply.outcome, reply.occurred_at
        aggregate = Aggregate(self.table.name, outcome.aggregate_id)
        metadata = Metadata(command_id=outcome.command_id, occurred_at=at)
        changes: list[Change] = []
        for event in reply.events:
            # A run does not show the time of the log, so any time will do.
            changes += self.project(Recorded(outcome.position, aggregate, event, metadata, at))
        if not changes:
            return None
        row = next(merge(changes)).puts.get(self.table, {}).get(UUID(outcome.aggregate_id))
        return None if row is None else {name: self._as_read(name, value) for name, value in row.items()}

    def _as_read(self, name: str, value: Any) -> Any:
        """The value of a column in a read: PostgreSQL returns times in UTC."""
        if value is None or self.table.columns.get(name) != "timestamptz":
            return value
        return (datetime.fromisoformat(value) if isinstance(value, str) else value).astimezone(UTC)


CREATED_FLOW_RUN: Final = CreatedRunView(FLOW_RUNS, FLOW_RUN, project_flow_run)
CREATED_TASK_RUN: Final = CreatedRunView(TASK_RUNS, TASK_RUN, project_task_run)
