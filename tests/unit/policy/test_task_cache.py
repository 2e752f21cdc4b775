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
from antiphon.events.task_run.events import TaskRunTransitionAccepted, TaskRunTransitionReplaced
from antiphon.services.policy.kinds.task_cache import INITIAL, TASK_CACHE, TaskCache
from antiphon.services.policy.kinds.task_run.decider import TASK_RUN
from antiphon.services.policy.kinds.task_run.state import TaskRun
from tests.examples import EARLIER, NOW, STATE_ID, TASK, TASK_ID, proposed, state, task_created, task_moved
from tests.scenario import Scenario

KEY = ids.task_cache("k")
SOURCE = TASK._replace(id=str(UUID(int=9)))
task = Scenario(TASK_RUN, TASK).given(task_created())


def completed(number: int = 0, expiration: datetime | None = None) -> State:
    entry = state(
        "COMPLETED", data={"x": number}, cache_key="k", cache_expiration=expiration, task_run_id=UUID(SOURCE.id)
    )
    return entry.model_copy(update={"id": UUID(int=number)}) if number else entry


def filled(*entries: State) -> TaskCache:
    cache = INITIAL
    for entry in entries:
        cache = TASK_CACHE.evolve(cache, TaskCacheFilled(state=entry))
    return cache


def beside(cache: TaskCache, source: TaskRun | None = None) -> Scenario:
    run = source or TaskRun(fields=task_created().fields, state_ids=frozenset({STATE_ID}))
    return task.beside({KEY: cache, SOURCE: run})


def move(kind: str, *, force: bool = False, **details: Any) -> SetTaskRunState:
    return SetTaskRunState(state=proposed(kind, **({"cache_key": "k"} | details)), force=force)


def test_a_start_takes_over_what_is_cached() -> None:
    decided = beside(filled(completed())).when(move("RUNNING"))
    event = decided.only()
    assert isinstance(event, TaskRunTransitionReplaced)
    assert (event.rule, event.reason) == ("CacheRetrieval", "Retrieved state from cache")
    assert (event.state.name, event.state.data, event.state.id != STATE_ID) == ("Cached", {"x": 0}, True)
    assert event.state.state_details.task_run_id == TASK_ID
    assert (event.progress.run_count, event.progress.start_time) == (0, event.state.timestamp)
    assert decided.decision.events[0] == (KEY, TaskCacheConsulted(task_run_id=TASK_ID, found=STATE_ID))


def test_a_start_that_finds_nothing_runs_and_says_so() -> None:
    decided = beside(INITIAL).when(move("RUNNING"))
    assert isinstance(decided.only(), TaskRunTransitionAccepted)
    assert decided.decision.events[0] == (KEY, TaskCacheConsulted(task_run_id=TASK_ID, found=None))


@pytest.mark.parametrize("options", [{"force": True}, {"refresh_cache": True}, {"cache_key": ""}])
def test_the_cache_can_be_passed_by(options: dict[str, Any]) -> None:
    decided = beside(filled(completed())).when(move("RUNNING", **options))
    assert isinstance(decided.only(), TaskRunTransitionAccepted)
    assert len(decided.decision.events) == 1


def test_what_went_with_its_task_run_is_not_taken_over() -> None:
    gone = beside(filled(completed()), TASK_RUN.initial)
    assert isinstance(gone.when(move("RUNNING")).only(), TaskRunTransitionAccepted)


@pytest.mark.parametrize("force", [False, True])
def test_completing_with_a_key_fills_the_cache_unless_forced(*, force: bool) -> None:
    running = beside(INITIAL).given(task_moved(state("RUNNING"), run_count=1))
    decided = running.when(move("COMPLETED", force=force))
    (accepted,) = decided.own()
    assert isinstance(accepted, TaskRunTransitionAccepted)
    cached = [event for key, event in decided.decision.events if key == KEY]
    assert cached == ([] if force else [TaskCacheFilled(state=accepted.state)])


def test_too_long_a_key_is_complained_about_and_cached_all_the_same() -> None:
    key = "k" * 2001
    running = task.beside({ids.task_cache(key): INITIAL}).given(task_moved(state("RUNNING"), run_count=1))
    decided = running.when(move("COMPLETED", cache_key=key))
    event = decided.only()
    assert isinstance(event, TaskRunTransitionReplaced)
    assert event.reason == "Cache key exceeded maximum allowed length of 2000 characters."
    assert event.state.type == "COMPLETED"
    assert decided.decision.events[0] == (ids.task_cache(key), TaskCacheFilled(state=event.state))


def test_the_newest_entry_that_has_not_expired_counts() -> None:
    soon, late = NOW + timedelta(seconds=1), NOW + timedelta(hours=1)
    cache = filled(completed(1), completed(2, late), completed(3, soon), completed(4, EARLIER))
    assert cache.newest(NOW) == completed(3, soon)
    assert cache.newest(soon) == completed(2, late)
    assert cache.newest(late) == completed(1)
    assert filled(completed(1, soon)).newest(late) is None


def test_entries_that_newer_ones_outlive_are_forgotten() -> None:
    assert filled(completed(1, NOW), completed(2), completed(3)).entries == (completed(3),)


def test_nobody_commands_the_cache() -> None:
    answer = Scenario(TASK_CACHE, KEY).when(DeleteTaskRun()).then_nothing()
    assert answer.status is Status.INVALID
