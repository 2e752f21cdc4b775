"""Groups that are decided while the one before them is on its way into the log."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.events.flow_run.commands import CreateFlowRun, SetFlowRunState
from antiphon.events.log.errors import ConflictError, LogUnavailableError
from antiphon.events.log.memory import MemoryLog, MemorySnapshots
from antiphon.events.log.port import Draft
from antiphon.events.subjects import Aggregate
from antiphon.services.policy.service import folds, handler
from antiphon.services.policy.service.folds import Fold, Folds, Snapshot
from antiphon.services.runtime.clock import ManualClock
from tests.examples import FLOW_ID, NOW, proposed
from tests.letters import Desk, Question, question
from tests.log import read_all
from tests.unit.policy.test_handler import CREATE_FLOW

RUNS = [UUID(int=1000 + number) for number in range(3)]


class TroubledLog(MemoryLog):
    """Takes a while for each append; refuses some, and of some it does not say that it took them."""

    def __init__(self, troubles: Iterator[str]) -> None:
        super().__init__(ManualClock(NOW))
        self._troubles = troubles
        self.most_at_once = 0
        self._at_once = 0

    async def append(self, drafts: Sequence[Draft], *, after: int) -> range:
        """Append after a few turns of the loop, perhaps with trouble."""
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            for _ in range(20):
                await asyncio.sleep(0)
            trouble = next(self._troubles, "")
            if trouble == "refused":
                raise ConflictError(trouble)
            if trouble == "refused by the server":
                raise LogUnavailableError(trouble)
            positions = await super().append(drafts, after=after)
            if trouble == "unanswered":
                raise LogUnavailableError(trouble)
            return positions
        finally:
            self._at_once -= 1


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handler, "_BACKOFF_SECONDS", 0)


def life_of(run: UUID, first_id: int) -> list[Question]:
    """The commands of one life, in order."""
    commands = [CreateFlowRun(flow_id=FLOW_ID), *(SetFlowRunState(state=proposed(kind)) for kind in MOVES)]
    return [question(run, command, UUID(int=first_id + number)) for number, command in enumerate(commands)]


MOVES = ("RUNNING", "PAUSED", "RUNNING", "COMPLETED")


async def lived(log: MemoryLog, run: UUID) -> list[str]:
    events = await read_all(log, Aggregate("flow_run", str(run)))
    return [item.event.state.type.value for item in events if hasattr(item.event, "state")]


async def test_one_append_is_on_its_way_at_a_time() -> None:
    log = TroubledLog(iter(()))
    desk = Desk(log)
    await desk.work([CREATE_FLOW], *([letter] for run in RUNS for letter in life_of(run, 10 * run.int)))
    assert log.most_at_once == 1
    assert [await lived(log, run) for run in RUNS] == [["PENDING", *MOVES]] * 3


@settings(max_examples=150, deadline=None)
@given(
    order=st.permutations(sorted(list(range(len(RUNS))) * 5)),
    cuts=st.sets(st.integers(1, 15), max_size=8),
    troubles=st.lists(st.sampled_from(["", "", "refused", "unanswered"]), max_size=20),
    few=st.sampled_from([1, 3, 16]),
)
async def test_invariant_05_whatever_happens_on_the_way_each_command_is_decided_once_and_in_order(
    order: list[int], cuts: set[int], troubles: list[str], few: int
) -> None:
    lives = [iter(life_of(run, 10 * run.int)) for run in RUNS]
    letters = [CREATE_FLOW, *(next(lives[number]) for number in order)]
    edges = [0, *sorted(cuts), len(letters)]
    log = TroubledLog(iter(troubles))
    desk = Desk(log)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handler, "_FEW", few)
        await desk.work(*(letters[start:end] for start, end in pairwise(edges)))
    assert [await lived(log, run) for run in RUNS] == [["PENDING", *MOVES]] * 3
    told = [[item.status.value for item in desk.replies[letter.reply]] for letter in letters]
    assert told == [["CREATED"] if letter.subject.endswith("create") else ["ACCEPT"] for letter in letters]


class CheckedSnapshots(MemorySnapshots):
    """Refuses what is ahead of the log: a group that is decided behind may never get there."""

    def __init__(self, log: MemoryLog) -> None:
        super().__init__()
        self._log = log

    async def put(self, aggregate: Aggregate, snapshot: bytes) -> None:
        assert Snapshot.model_validate_json(snapshot).position <= await self._log.last_position()
        await super().put(aggregate, snapshot)


async def test_a_snapshot_holds_nothing_that_is_not_in_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folds, "EVERY", 2)
    log = TroubledLog(iter(()))
    snapshots = CheckedSnapshots(log)
    desk = Desk(log, snapshots=snapshots)
    run = RUNS[0]
    await desk.work([CREATE_FLOW], *([letter] for letter in life_of(run, 10)))
    aggregate = Aggregate("flow_run", str(run))
    assert aggregate in snapshots.kept
    restored, whole = await Folds(log, snapshots).load(aggregate), await Fold.empty(aggregate).replay(log)
    assert (restored.state, restored.position, restored.outcomes) == (whole.state, whole.position, whole.outcomes)


async def test_a_log_that_refuses_at_once_is_not_asked_without_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        await sleep(0)

    monkeypatch.setattr(handler, "_BACKOFF_SECONDS", 0.25)
    monkeypatch.setattr(asyncio, "sleep", pause)
    desk = Desk(TroubledLog(iter(["refused by the server"] * 3)))
    await desk.work([CREATE_FLOW])
    assert pauses.count(0.25) == 2
    assert [outcome.status.value for outcome in desk.replies[CREATE_FLOW.reply]] == ["CREATED"]
