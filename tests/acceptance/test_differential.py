"""Random sequences of requests come out on Antiphon as on the genuine server, step by step and in the end.

The same few hundred steps are played every time. `make differential` plays other ones too, on both servers at once:
ANTIPHON_DIFFERENTIAL_STEPS says how many at least, and a difference is shown as the shortest program that hypothesis
finds for it.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count
from random import randrange
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.acceptance.conftest import Pair
from tests.acceptance.decided import FAILURES
from tests.acceptance.normal import difference
from tests.acceptance.play import Play, Stage
from tests.acceptance.programs import programs
from tests.acceptance.server import Server
from tests.acceptance.step import Step

pytestmark = pytest.mark.acceptance

_STEPS = int(os.environ.get("ANTIPHON_DIFFERENTIAL_STEPS", "0"))
_FIXED_STEPS = 300
#: Hypothesis counts programs, which have some twenty steps: rounds of so many are played until there are enough.
_SETTINGS = settings(
    max_examples=20,
    database=None,
    deadline=None,
    print_blob=False,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def _fixed_programs() -> list[list[Step]]:
    """Programs that are the same every time."""
    found: list[list[Step]] = []

    @settings(_SETTINGS, phases=(Phase.generate,))
    @given(program=programs())
    def collect(program: list[Step]) -> None:
        found.append(program)

    number = 0
    while sum(map(len, found)) < _FIXED_STEPS:
        seed(number)(collect)()
        number += 1
    return found


def _played(server: Server, every: list[list[Step]]) -> list[list[Any]]:
    """Play programs on a server: for each the answers to its steps, and what they left behind."""
    with closing(Stage(server)) as stage:
        return [_outcomes(Play(stage, uuid4().hex), program) for program in every]


def _outcomes(play: Play, program: list[Step]) -> list[Any]:
    return [*(play.answer(step) for step in program), play.outcome()]


def test_the_same_programs_come_out_alike(pair: Pair) -> None:
    every = _fixed_programs()
    theirs, ours = pair.answers("programs", every, lambda server: _played(server, every))
    for program, *outcomes in zip(every, theirs, ours, strict=True):
        for number, (genuine, given_) in enumerate(zip(*outcomes, strict=True), 1):
            _compare(program[:number], genuine, given_)


class Stages:
    """Both servers, in lockstep."""

    def __init__(self, pair: Pair) -> None:
        self._threads = ThreadPoolExecutor(1)
        self._oracle, self._subject = Stage(pair.genuine.running()), Stage(pair.subject)
        self.steps = 0

    def close(self) -> None:
        """Let both go."""
        self._oracle.close()
        self._subject.close()
        self._threads.shutdown()

    def play(self, program: list[Step]) -> None:
        """Fail at the first difference."""
        salt = uuid4().hex
        oracle, subject = Play(self._oracle, salt), Play(self._subject, salt)
        for number, step in enumerate(program, 1):
            self.steps += 1
            ours = self._threads.submit(subject.answer, step)
            theirs = oracle.answer(step)
            _compare(program[:number], theirs, ours.result())
        after = self._threads.submit(subject.outcome)
        _compare(program, oracle.outcome(), after.result())


def _compare(played: list[Step], theirs: object, ours: object) -> None:
    if isinstance(theirs, dict) and theirs["status"] >= 500 and isinstance(ours, dict):
        differs = FAILURES.violated_by(ours)
    else:
        differs = difference(theirs, ours)
    if differs:
        pytest.fail("\n".join([*map(str, played), differs]), pytrace=False)


@pytest.fixture(scope="module")
def stages(pair: Pair) -> Iterator[Stages]:
    """Both servers, for all programs."""
    with closing(Stages(pair)) as stages:
        yield stages


@settings(_SETTINGS, phases=(Phase.generate, Phase.shrink))
@given(program=programs())
def _every_program(stages: Stages, program: list[Step]) -> None:
    stages.play(program)


@pytest.mark.skipif(not _STEPS, reason="`make differential` plays random programs")
def test_random_programs_come_out_alike(stages: Stages) -> None:
    for number in count(randrange(2**32)):  # noqa: S311  a seed is no secret
        print(f"seed {number}: {stages.steps} steps played alike")  # noqa: T201  what `make differential` is asked for
        if stages.steps >= _STEPS:
            break
        seed(number)(_every_program)(stages)
