"""Folds: what the events of each aggregate come to. Kept in memory, with snapshots of the long ones (docs/adr/0005)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, NamedTuple
from uuid import UUID

from pydantic import BaseModel, TypeAdapter, ValidationError

from antiphon.events.log.port import EventLog, SnapshotStore
from antiphon.events.message import Event
from antiphon.events.outcome import Answer, Outcome
from antiphon.events.refusal import CommandRefused
from antiphon.events.subjects import Aggregate
from antiphon.services.policy.kinds.registry import DECIDERS

#: A snapshot is taken after this many events; about as many are read behind one.
EVERY: Final = 500


class RecordedOutcome(NamedTuple):
    """What is known of a decided command."""

    #: The digest in its metadata.
    digest: str | None
    outcome: Outcome


class Snapshot(BaseModel):
    """A fold as it was at a position."""

    #: The decider's `state_version`.
    version: int
    position: int
    changed_at: int
    #: The command behind the event at `position`: in another log that is another command.
    command_id: UUID | None
    outcomes: list[RecordedOutcome]
    state: Any


@dataclass(slots=True)
class Fold:
    """An aggregate's state, the position of its last event, and the outcomes of its commands."""

    aggregate: Aggregate
    state: Any
    position: int = 0
    #: The position of its last event that is no refusal.
    changed_at: int = 0
    #: By command id: a repeated command gets its recorded outcome.
    outcomes: dict[UUID, RecordedOutcome] = field(default_factory=dict)
    #: The command behind the last event.
    command_id: UUID | None = None
    events_since_snapshot: int = 0

    @classmethod
    def empty(cls, aggregate: Aggregate) -> Fold:
        """The fold of an aggregate without events."""
        return cls(aggregate, DECIDERS[aggregate.kind].initial)

    def apply(self, event: Event, command_id: UUID, position: int) -> Answer:
        """Add one event; returns the answer to its command."""
        self.position, self.command_id = position, command_id
        self.events_since_snapshot += 1
        if not event.action.startswith("refused."):
            self.changed_at = position
        if isinstance(event, CommandRefused):
            return event.answer
        decider = DECIDERS[self.aggregate.kind]
        self.state = decider.evolve(self.state, event)
        return decider.answer(self.aggregate, self.state, event)

    async def replay(self, log: EventLog, since: int = 1) -> Fold:
        """Add the events that the log has from a position on, page by page; returns the fold itself."""
        caused_elsewhere = DECIDERS[self.aggregate.kind].caused_elsewhere
        async for recorded in log.read(self.aggregate, since=since):
            event, metadata = recorded.event, recorded.metadata
            command_id = metadata.command_id
            answer = self.apply(event, command_id, recorded.position)
            if not isinstance(event, caused_elsewhere):
                outcome = Outcome.of(answer, command_id, recorded.position)
                self.outcomes[command_id] = RecordedOutcome(metadata.command_digest, outcome)
        return self

    def snapshot(self) -> bytes | None:
        """A snapshot of a fold that has grown by enough since the last one, else None."""
        if self.events_since_snapshot < EVERY:
            return None
        self.events_since_snapshot = 0
        snapshot = Snapshot(
            version=DECIDERS[self.aggregate.kind].state_version,
            position=self.position,
            changed_at=self.changed_at,
            command_id=self.command_id,
            outcomes=list(self.outcomes.values()),
            state=_state_adapter(self.aggregate.kind).dump_python(self.state, mode="json"),
        )
        # A repeated command gets its outcome bit for bit, absent fields included.
        return snapshot.model_dump_json(exclude_unset=True).encode()

    @classmethod
    def restore(cls, aggregate: Aggregate, data: bytes) -> Fold | None:
        """The fold in a snapshot, brought to the present version; None where the snapshot must be discarded."""
        decider = DECIDERS[aggregate.kind]
        try:
            snapshot = Snapshot.model_validate_json(data)
            for version in range(snapshot.version, decider.state_version):
                snapshot.state = decider.upcasters[version](snapshot.state)
            if snapshot.version > decider.state_version:
                return None
            state = _state_adapter(aggregate.kind).validate_python(snapshot.state)
        except (ValidationError, KeyError):
            # Of a version that nothing upcasts, or not ours: anybody may publish there. The log has it all.
            return None
        outcomes = {recorded.outcome.command_id: recorded for recorded in snapshot.outcomes}
        return cls(aggregate, state, snapshot.position, snapshot.changed_at, outcomes, snapshot.command_id)


@cache
def _state_adapter(kind: str) -> TypeAdapter[Any]:
    return TypeAdapter(type(DECIDERS[kind].initial))


class Folds:
    """The folds used last, in memory. A cache only: the fence of the log proves each decision."""

    def __init__(self, log: EventLog, snapshots: SnapshotStore, *, capacity: int = 50_000) -> None:
        self._log = log
        self._snapshots = snapshots
        self._capacity = capacity
        self._kept: OrderedDict[Aggregate, Fold] = OrderedDict()

    async def get(self, aggregate: Aggregate, *, is_new: bool = False) -> Fold:
        """The fold from memory, else from the log, else an empty one if the aggregate `is_new`."""
        found = self._kept.get(aggregate)
        if found is None:
            found = Fold.empty(aggregate) if is_new else await self.load(aggregate)
        self._kept[aggregate] = found
        self._kept.move_to_end(aggregate)
        return found

    def __contains__(self, aggregate: Aggregate) -> bool:
        return aggregate in self._kept

    async def load(self, aggregate: Aggregate) -> Fold:
        """The fold as the log has it, from its snapshot on."""
        data = await self._snapshots.get(aggregate)
        found = None if data is None else Fold.restore(aggregate, data)
        if found is None or not await self._is_of_this_log(found):
            found = Fold.empty(aggregate)
        await found.replay(self._log, since=found.position + 1)
        if snapshot := found.snapshot():
            await self._snapshots.put(aggregate, snapshot)
        return found

    async def _is_of_this_log(self, found: Fold) -> bool:
        last = await anext(self._log.read(found.aggregate, since=found.position), None)
        return last is not None and (last.position, last.metadata.command_id) == (found.position, found.command_id)

    def drop(self, aggregates: Iterable[Aggregate]) -> None:
        """Forget folds that may be wrong."""
        for aggregate in aggregates:
            self._kept.pop(aggregate, None)

    def clear(self) -> None:
        """Forget all folds."""
        self._kept.clear()

    def trim(self, *, confirmed: int) -> None:
        """Drop the folds used longest ago. One that is ahead of the confirmed log exists only here, and stays."""
        while len(self._kept) > self._capacity and next(iter(self._kept.values())).position <= confirmed:
            self._kept.popitem(last=False)
