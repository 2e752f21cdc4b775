"""Which cores a process keeps to, of those it was given (docs/adr/0025)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from antiphon.services.runtime import clock, cores

pytestmark = pytest.mark.skipif(len(cores.available()) < 2, reason="there is one core, or the system does not tell")


@pytest.fixture
def given() -> Iterator[list[int]]:
    """The cores of this process, which has them again afterwards."""
    before = cores.available()
    yield before
    os.sched_setaffinity(0, before)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    moment = [1000.0]
    monkeypatch.setattr(clock, "monotonic", lambda: moment[0])
    return moment


def test_who_stands_aside_keeps_to_the_last_core_with_others(given: list[int]) -> None:
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        cores.stand_aside(other.pid)
        assert cores.available() == [given[-1]]
        assert os.sched_getaffinity(other.pid) == {given[-1]}
        # As after a lost connection, when another process of the server works for it.
        os.sched_setaffinity(other.pid, given)
        cores.stand_aside(other.pid)
        assert os.sched_getaffinity(other.pid) == {given[-1]}
    finally:
        other.communicate()
    # One that has ended is no trouble.
    cores.stand_aside(other.pid)


def test_one_request_at_a_time_gathers_on_the_first_core_when_it_has_been_quiet(
    given: list[int], now: list[float]
) -> None:
    gathering = cores.Gathering()
    gathering.note(1)
    assert cores.available() == given
    now[0] += 1
    gathering.note(1)
    assert cores.available() == given[:1]


def test_a_crowd_spreads_at_once_and_gathers_when_it_is_over(given: list[int], now: list[float]) -> None:
    gathering = cores.Gathering()
    now[0] += 1
    gathering.note(1)
    gathering.note(2)
    assert cores.available() == given
    now[0] += 0.4
    gathering.note(1)
    assert cores.available() == given
    now[0] += 0.2
    gathering.note(1)
    assert cores.available() == given[:1]


def test_with_one_core_nothing_is_kept(given: list[int], now: list[float]) -> None:
    os.sched_setaffinity(0, given[:1])
    gathering = cores.Gathering()
    now[0] += 1
    gathering.note(1)
    gathering.note(2)
    cores.stand_aside()
    assert cores.available() == given[:1]
