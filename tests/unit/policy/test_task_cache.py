"""The task cache: who fills it, and who takes over what it holds."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from antiphon.events import ids
from antiphon.events.outcome import Status
from antiphon.events.state import State
from antiphon.events.task_cache.events import TaskCacheConsulted, TaskCacheFilled
from antiphon.events.task_run.commands import DeleteTaskRun, SetTaskRunState
from antiphon.events.task_run.events import TaskRunDeleted, TaskRunTransitionAccepted, TaskRunTransitionReplaced
from antiphon.services.policy.engine.decider import Situation
from antiphon.services.policy.kinds.task_cache import TASK_CACHE, TaskCache
from antiphon.testing import Scenario
from tests.examples import EARLIER, NOW, STATE_ID, TASK_ID, proposed, state, task_created, task_moved

KEY = ids.task_cache("k")
SOURCE = UUID(int=9)
task = Scenario(now=NOW).given(TASK_ID, task_created())


def completed(number: int = 0, expiration: datetime | None = None) -> State:
    entry = state("COMPLETED", data={"x": number}, cache_key="k", cache_expiration=expiration, task_run_id=SOURCE)
    return entry.model_copy(update={"id": UUID(int=number)}) if number else entry


def filled(*entries: State) -> Scenario:
    """A task run beside a cache with these entries, and the task run that they are of."""
    filled_with = [TaskCacheFilled(state=entry) for entry in entries]
    return task.given(SOURCE, task_created(), *map(task_moved, entries)).given(KEY.id, *filled_with)


def cache(*entries: State) -> TaskCache:
    found: TaskCache = filled(*entries).state(*KEY)
    return found


def move(kind: str, *, force: bool = False, **details: Any) -> SetTaskRunState:
    return SetTaskRunState(state=proposed(kind, **({"cache_key": "k"} | details)), force=force)


def test_a_start_takes_over_what_is_cached() -> None:
    decided = filled(completed()).when(TASK_ID, move("RUNNING"))
    event = decided.event
    assert isinstance(event, TaskRunTransitionReplaced)
    assert (event.rule, event.reason) == ("CacheRetrieval", "Retrieved state from cache")
    assert (event.state.name, event.state.data, event.state.id != STATE_ID) == ("Cached", {"x": 0}, True)
    assert event.state.state_details.task_run_id == TASK_ID
    assert (event.progress.run_count, event.progress.start_time) == (0, event.state.timestamp)
    assert decided.decision.events[0] == (KEY, TaskCacheConsulted(task_run_id=TASK_ID, found=STATE_ID))


def test_a_start_that_finds_nothing_runs_and_says_so() -> None:
    decided = filled().when(TASK_ID, move("RUNNING"))
    assert isinstance(decided.event, TaskRunTransitionAccepted)
    assert decided.decision.events[0] == (KEY, TaskCacheConsulted(task_run_id=TASK_ID, found=None))


@pytest.mark.parametrize("options", [{"force": True}, {"refresh_cache": True}, {"cache_key": ""}])
def test_the_cache_can_be_passed_by(options: dict[str, Any]) -> None:
    decided = filled(completed()).when(TASK_ID, move("RUNNING", **options))
    assert isinstance(decided.event, TaskRunTransitionAccepted)
    assert len(decided.decision.events) == 1


def test_what_went_with_its_task_run_is_not_taken_over() -> None:
    gone = filled(completed()).given(SOURCE, TaskRunDeleted())
    assert isinstance(gone.when(TASK_ID, move("RUNNING")).event, TaskRunTransitionAccepted)


@pytest.mark.parametrize("force", [False, True])
def test_completing_with_a_key_fills_the_cache_unless_forced(*, force: bool) -> None:
    running = filled().given(TASK_ID, task_moved(state("RUNNING"), run_count=1))
    decided = running.when(TASK_ID, move("COMPLETED", force=force))
    (accepted,) = decided.events
    assert isinstance(accepted, TaskRunTransitionAccepted)
    cached = [event for key, event in decided.decision.events if key == KEY]
    assert cached == ([] if force else [TaskCacheFilled(state=accepted.state)])


def test_too_long_a_key_is_complained_about_and_cached_all_the_same() -> None:
    key = "k" * 2001
    running = task.given(TASK_ID, task_moved(state("RUNNING"), run_count=1))
    decided = running.when(TASK_ID, move("COMPLETED", cache_key=key))
    event = decided.event
    assert isinstance(event, TaskRunTransitionReplaced)
    assert event.reason == "Cache key exceeded maximum allowed length of 2000 characters."
    assert event.state.type == "COMPLETED"
    assert decided.decision.events[0] == (ids.task_cache(key), TaskCacheFilled(state=event.state))


def test_the_newest_entry_that_has_not_expired_counts() -> None:
    soon, late = NOW + timedelta(seconds=1), NOW + timedelta(hours=1)
    kept = cache(completed(1), completed(2, late), completed(3, soon), completed(4, EARLIER))
    assert kept.newest(NOW) == completed(3, soon)
    assert kept.newest(soon) == completed(2, late)
    assert kept.newest(late) == completed(1)
    assert cache(completed(1, soon)).newest(late) is None


def test_entries_that_newer_ones_outlive_are_forgotten() -> None:
    assert cache(completed(1, NOW), completed(2), completed(3)).entries == (completed(3),)


def test_nobody_commands_the_cache() -> None:
    situation = Situation(aggregate=KEY, state=TASK_CACHE.initial, now=NOW, command_id=TASK_ID)
    answer = TASK_CACHE.decide(DeleteTaskRun(), situation).answer
    assert answer is not None
    assert answer.status is Status.INVALID
