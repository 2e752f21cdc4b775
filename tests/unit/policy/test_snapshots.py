"""Snapshots save reading, and change nothing: no decision, no answer, whatever becomes of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import orjson
import pytest

from antiphon.events.limit.commands import (
    AcquireLease,
    CreateLimit,
    DeleteLimit,
    LimitSettings,
    ReleaseLease,
    UpdateLimit,
)
from antiphon.events.limit.slots import Holder
from antiphon.events.log.memory import MemoryLog, MemorySnapshots
from antiphon.events.log.port import Recorded
from antiphon.events.message import Command
from antiphon.events.outcome import Outcome, Status
from antiphon.events.subjects import Aggregate
from antiphon.services.policy.service import folds
from antiphon.services.policy.service.folds import Fold, Folds
from antiphon.services.runtime.clock import ManualClock
from tests.examples import NOW, RUN_ID
from tests.letters import Desk, Question, question

LIMIT = Aggregate("limit", str(UUID(int=500)))
EVERY = 10
HOLDER = Holder(type="flow_run", id=RUN_ID)


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folds, "EVERY", EVERY)


class CountingLog(MemoryLog):
    """Counts how many events of the limit are read."""

    def __init__(self) -> None:
        super().__init__(ManualClock(NOW))
        self.read_events = 0

    async def read(self, aggregate: Aggregate, *, since: int = 1) -> AsyncIterator[Recorded]:
        async for recorded in super().read(aggregate, since=since):
            self.read_events += 1 if aggregate == LIMIT else 0
            yield recorded


def asked(number: int, aggregate_id: UUID, command: Command) -> Question:
    return question(aggregate_id, command, UUID(int=number))


def takes(number: int) -> Question:
    return asked(1000 + number, UUID(int=number), AcquireLease(names=("a",), seconds=60, holder=HOLDER))


def gives(number: int) -> Question:
    return asked(2000 + number, UUID(int=number), ReleaseLease())


CREATE = asked(1, UUID(LIMIT.id), CreateLimit(name="a", limit=3))
RESIZE = asked(2, UUID(LIMIT.id), UpdateLimit(changes=LimitSettings(limit=2)))


async def used(log: MemoryLog, kept: MemorySnapshots) -> list[Outcome]:
    """A limit, and much use of it; two leases last."""
    desk = Desk(log, snapshots=kept)
    told = await desk.handle(CREATE, RESIZE, takes(1), takes(2))
    for number in range(3, 3 + 2 * EVERY):
        # Refused, given back and taken again.
        told += await desk.handle(takes(100 + number), gives(number - 2), takes(number))
    return told


async def test_after_a_restart_little_is_read_and_all_is_decided_as_before() -> None:
    log, kept, plain = CountingLog(), MemorySnapshots(), CountingLog()
    assert await used(log, kept) == await used(plain, MemorySnapshots())
    log.read_events = plain.read_events = 0
    further = (takes(900), gives(2 * EVERY + 1), takes(901), takes(902), RESIZE, CREATE)
    told = await Desk(log, snapshots=kept).handle(*further)
    assert told == await Desk(plain).handle(*further)
    assert [item.status for item in told[:4]] == [Status.WAIT, Status.DELETED, Status.CREATED, Status.WAIT]
    assert log.read_events <= EVERY + 4 < plain.read_events


async def test_a_fold_from_a_snapshot_is_the_fold_of_all_events() -> None:
    log, kept = CountingLog(), MemorySnapshots()
    await used(log, kept)
    whole = await Fold.empty(LIMIT).replay(log)
    found = await Folds(log, kept).load(LIMIT)
    assert (found.state, found.position, found.outcomes) == (whole.state, whole.position, whole.outcomes)
    assert [recorded.outcome.model_fields_set for recorded in found.outcomes.values()] == [
        recorded.outcome.model_fields_set for recorded in whole.outcomes.values()
    ]


async def test_what_was_read_whole_once_is_not_read_whole_again() -> None:
    log, kept = CountingLog(), MemorySnapshots()
    await used(log, MemorySnapshots())
    await Folds(log, kept).load(LIMIT)
    log.read_events = 0
    await Folds(log, kept).load(LIMIT)
    assert log.read_events == 1


def other_version(snapshot: dict[str, Any]) -> None:
    snapshot["version"] = 77


def other_log(snapshot: dict[str, Any]) -> None:
    snapshot["command_id"] = str(UUID(int=0))


def later_position(snapshot: dict[str, Any]) -> None:
    snapshot["position"] = 10_000


def other_state(snapshot: dict[str, Any]) -> None:
    snapshot["state"] = {"limit": "many"}


@pytest.mark.parametrize("spoil", [other_version, other_log, later_position, other_state])
async def test_a_snapshot_that_does_not_fit_is_not_used(spoil: Any) -> None:
    log, kept = CountingLog(), MemorySnapshots()
    await used(log, kept)
    snapshot = orjson.loads(kept.kept[LIMIT])
    spoil(snapshot)
    kept.kept[LIMIT] = orjson.dumps(snapshot)
    whole = await Fold.empty(LIMIT).replay(log)
    found = await Folds(log, kept).load(LIMIT)
    assert (found.state, found.position, found.outcomes) == (whole.state, whole.position, whole.outcomes)


async def test_what_is_no_snapshot_at_all_is_not_used() -> None:
    log, kept = CountingLog(), MemorySnapshots()
    await used(log, MemorySnapshots())
    kept.kept[LIMIT] = b"what?"
    assert (await Folds(log, kept).load(LIMIT)).state.limit == 2


async def test_a_limit_that_was_deleted_is_gone_in_its_snapshot_too() -> None:
    log, kept = CountingLog(), MemorySnapshots()
    await used(log, kept)
    (gone,) = await Desk(log, snapshots=kept).handle(asked(3, UUID(LIMIT.id), DeleteLimit(revoke=True)))
    assert gone.status is Status.DELETED
    await Folds(log, kept).load(LIMIT)
    found = await Folds(log, kept).load(LIMIT)
    assert (found.state.exists, found.state.revoked_at) == (False, NOW)


async def test_streams_that_do_not_grow_have_no_snapshots() -> None:
    log, kept = CountingLog(), MemorySnapshots()
    await used(log, kept)
    assert set(kept.kept) == {LIMIT}
