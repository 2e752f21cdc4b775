"""Commits as spans in the traces of their events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from antiphon.events.log.port import Recorded, Unreadable
from antiphon.projections.engine.runner import Runner
from antiphon.services.runtime.traces import Traces


class TracedRunner(Runner[Recorded | Unreadable]):
    """A runner with a span for every batch."""

    def __init__(self, *arguments: Any, traces: Traces) -> None:
        super().__init__(*arguments)
        self._traces = traces

    async def advance(self, batch: Sequence[Recorded | Unreadable]) -> None:
        """See Runner."""
        fresh = [item for item in batch if item.position > self.position and isinstance(item, Recorded)]
        parents = [item.metadata.traceparent for item in fresh if item.metadata.traceparent is not None]
        about = {"antiphon.events": len(batch), "antiphon.position": batch[-1].position}
        with self._traces.together("project", parents, about):
            await super().advance(batch)
