"""Reads folds: of kinds whose event streams grow for ever from a snapshot on (docs/adr/0024)."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any, Final, Protocol
from uuid import UUID

from pydantic import BaseModel, ValidationError

from antiphon.events.log.port import EventLog
from antiphon.events.outcome import Outcome
from antiphon.events.subjects import Aggregate
from antiphon.services.policy.engine.decider import Decider
from antiphon.services.policy.kinds.registry import DECIDERS
from antiphon.services.policy.service.folds import Fold, fold

#: After so many events more a snapshot is put in place of the last; at most about so many are then read.
EVERY: Final = 500


class Snapshots(Protocol):
    """Where snapshots are kept, or lost: nothing but time depends on them."""

    async def get(self, aggregate: Aggregate) -> bytes | None:
        """What was put last, if it is still there."""

    async def put(self, aggregate: Aggregate, snapshot: bytes) -> None:
        """Put one in place of the last."""


class Snapshot(BaseModel):
    """A fold as it was at a position."""

    #: Of the code that made the state: other code may make another one of the same events.
    version: str
    position: int
    #: The command behind the event there: in another log, or at another place of it, that is another.
    command_id: UUID
    outcomes: list[Outcome]
    state: Any


@dataclass(frozen=True, slots=True)
class FoldReader:
    """Reads folds from the log, and keeps snapshots of those that took long, or would."""

    log: EventLog
    snapshots: Snapshots | None = None

    async def load(self, aggregate: Aggregate) -> Fold:
        """The fold of an aggregate, from the log or from a snapshot and what the log has behind it."""
        found = await self._from_snapshot(aggregate) or fold(aggregate, await self.log.read(aggregate))
        await self.keep([(aggregate, found)])
        return found

    async def _from_snapshot(self, aggregate: Aggregate) -> Fold | None:
        begun = await self._begun(aggregate)
        if begun is None:
            return None
        events = await self.log.read(aggregate, since=begun.position)
        if not events or (events[0].position, events[0].metadata.command_id) != (begun.position, begun.command_id):
            # It is of another log.
            return None
        return fold(aggregate, events[1:], begun)

    async def _begun(self, aggregate: Aggregate) -> Fold | None:
        decider = DECIDERS[aggregate.kind]
        if self.snapshots is None or decider.growing is None:
            return None
        data = await self.snapshots.get(aggregate)
        return None if data is None else _restored(decider, data)

    async def keep(self, folds: Iterable[tuple[Aggregate, Fold]]) -> None:
        """Put snapshots of those that have grown by enough; their events must be in the log."""
        if self.snapshots is None:
            return
        for aggregate, grown in folds:
            if grown.unkept < EVERY:
                continue
            snapshot = _taken(DECIDERS[aggregate.kind], grown)
            grown.unkept = 0
            if snapshot is not None:
                await self.snapshots.put(aggregate, snapshot)


def _taken(decider: Decider[Any], grown: Fold) -> bytes | None:
    if decider.growing is None or grown.command_id is None:
        return None
    snapshot = Snapshot(
        version=_version(decider.evolve.__module__),
        position=grown.position,
        command_id=grown.command_id,
        outcomes=list(grown.outcomes.values()),
        state=decider.growing.state.dump_python(grown.state, mode="json"),
    )
    # A command that comes again is told the same, what is absent included.
    return snapshot.model_dump_json(exclude_unset=True).encode()


def _restored(decider: Decider[Any], data: bytes) -> Fold | None:
    """What is in a snapshot; None where other code made it."""
    if decider.growing is None:
        return None
    try:
        snapshot = Snapshot.model_validate_json(data)
        if snapshot.version != _version(decider.evolve.__module__):
            return None
        state = decider.growing.state.validate_python(snapshot.state)
    except ValidationError:
        # Anybody who may publish may have put it there; the log has it all.
        return None
    outcomes = {outcome.command_id: outcome for outcome in snapshot.outcomes}
    return Fold(state, snapshot.position, outcomes, snapshot.command_id)


@cache
def _version(module: str) -> str:
    """A digest of the code that evolves a state: nobody has to remember to raise a number."""
    return sha256(inspect.getsource(sys.modules[module]).encode()).hexdigest()
