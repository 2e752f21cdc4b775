"""Made-up flow runs of the past 30 days and the coming one, as events of the log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID

from antiphon.events.flow_run.events import CreatedBy, FlowRunCreated, FlowRunTransitionAccepted
from antiphon.events.log.port import Draft
from antiphon.events.message import Event, Metadata
from antiphon.events.state import RunProgress, State, StateDetails, StateType
from antiphon.events.subjects import Aggregate
from antiphon.services.cli.demo.flows import Origin
from antiphon.services.prefect.run_names import generated_name
from antiphon.services.runtime.ids import uuid4, uuid7_at

_PAST: Final = timedelta(days=30)
_FUTURE: Final = timedelta(days=1)
#: The longest time between a run's creation and its start.
_AHEAD_SECONDS: Final = 600.0
#: One run of this many waits, or runs, for ever.
_STUCK: Final = 1000
#: One run of this many is a backfill.
_BACKFILL: Final = 400
_ENDS: Final = (StateType.COMPLETED, StateType.FAILED, StateType.CRASHED, StateType.CANCELLED)
_CHANCES: Final = (88, 8, 2, 2)
_MESSAGES: Final = {
    StateType.FAILED: "Flow run encountered an exception: TimeoutError: the source did not answer within 30 seconds",
    StateType.CRASHED: "Execution was interrupted by an unexpected exception: MemoryError",
}


@dataclass(slots=True)
class _Life:
    """A run and its events so far."""

    run_id: UUID
    expected: datetime
    events: list[tuple[datetime, Event]] = field(default_factory=list)
    progress: RunProgress = RunProgress()

    def begin(self, kind: StateType, at: datetime, fields: dict[str, Any]) -> None:
        """Be created in a state."""
        state = self._enter(kind, at, None)
        self.events.append((at, FlowRunCreated(**fields, state=state, progress=self.progress)))

    def move(self, kind: StateType, at: datetime, name: str | None = None) -> None:
        """Enter another state."""
        state = self._enter(kind, at, name)
        self.events.append((at, FlowRunTransitionAccepted(state=state, progress=self.progress)))

    def _enter(self, kind: StateType, at: datetime, name: str | None) -> State:
        details: dict[str, Any] = {"flow_run_id": self.run_id}
        changed: dict[str, Any] = {"expected_start_time": self.expected}
        if kind is StateType.SCHEDULED:
            details["scheduled_time"] = self.expected
        changed["next_scheduled_start_time"] = self.expected if kind is StateType.SCHEDULED else None
        if kind is StateType.RUNNING:
            changed |= {"run_count": 1, "start_time": at}
        if kind in _ENDS:
            changed["end_time"] = at
            if self.progress.start_time is not None:
                changed["total_run_time"] = (at - self.progress.start_time).total_seconds()
        self.progress = self.progress.changed(**changed)
        return State(
            id=uuid7_at(at),
            type=kind,
            name=name or kind.value.capitalize(),
            timestamp=at,
            message=_MESSAGES.get(kind),
            state_details=StateDetails(**details),
        )

    def drafts(self) -> Iterator[Draft]:
        """Its events, as if a command had led to each."""
        aggregate = Aggregate("flow_run", str(self.run_id))
        for at, event in self.events:
            yield Draft(aggregate, event, Metadata(command_id=uuid4(), occurred_at=at), 0)


class Runs:
    """Makes runs in the order of their expected start."""

    def __init__(self, origins: Sequence[Origin], now: datetime, count: int, dice: Random) -> None:
        self._origins = origins
        # The deployments of a flow share its runs.
        of_flow = [sum(other.flow_id == origin.flow_id for other in origins) for origin in origins]
        self._shares = [origin.habit.share / many for origin, many in zip(origins, of_flow, strict=True)]
        self._now = now
        self._step = (_PAST + _FUTURE) / count
        self._dice = dice

    def make(self, number: int) -> list[Draft]:
        """The events of the run with this number, from 0 on."""
        dice = self._dice
        origin = dice.choices(self._origins, self._shares)[0]
        expected = self._now - _PAST + (number + dice.random()) * self._step
        ahead = timedelta(seconds=dice.uniform(1, _AHEAD_SECONDS if origin.deployment_id else 2))
        born = min(expected, self._now) - ahead
        if origin.deployment_id is None:
            expected = born
        life = _Life(uuid7_at(born), expected)
        first = StateType.PENDING if origin.deployment_id is None else StateType.SCHEDULED
        life.begin(first, born, self._fields(origin, life))
        self._go_on(origin, life)
        return list(life.drafts())

    def _go_on(self, origin: Origin, life: _Life) -> None:
        dice = self._dice
        lateness = dice.expovariate(1 / 60) if dice.random() < 0.1 else dice.uniform(0.05, 3)
        start = life.expected + timedelta(seconds=lateness)
        end = start + timedelta(seconds=dice.lognormvariate(0, 0.8) * origin.habit.seconds)
        stuck = dice.randrange(_STUCK)
        if start > self._now or stuck == 0:
            overdue = life.expected + timedelta(seconds=15)
            if origin.deployment_id is not None and overdue < self._now:
                life.move(StateType.SCHEDULED, overdue, "Late")
            return
        life.move(StateType.RUNNING, start)
        if end < self._now and stuck != 1:
            life.move(dice.choices(_ENDS, _CHANCES)[0], end)

    def _fields(self, origin: Origin, life: _Life) -> dict[str, Any]:
        dice, habit = self._dice, origin.habit
        tags = [*habit.tags, f"batch:{dice.randrange(5000):04}"]
        if dice.randrange(_BACKFILL) == 0:
            tags.append("backfill")
        fields: dict[str, Any] = {
            "flow_id": origin.flow_id,
            "name": generated_name(life.run_id),
            "parameters": {"day": f"{life.expected:%Y-%m-%d}", "limit": dice.randrange(1, 100) * 100, "dry_run": False},
            "tags": tuple(tags),
            "labels": {"prefect.flow.id": str(origin.flow_id)},
        }
        if origin.deployment_id is not None:
            creator = CreatedBy(id=origin.deployment_id, type="DEPLOYMENT")
            fields |= {"deployment_id": origin.deployment_id, "auto_scheduled": True, "created_by": creator}
        return fields
