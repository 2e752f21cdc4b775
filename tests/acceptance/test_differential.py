"""Random sequences of requests come out on Antiphon as on the genuine server, step by step and in the end.

ANTIPHON_DIFFERENTIAL_STEPS says how many steps to play at least (`make differential`); a few hundred without it, the
same ones every time. What differs is shown as the shortest program that hypothesis finds for it.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count
from random import randrange
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.acceptance.conftest import Pair
from tests.acceptance.decided import FAILURES
from tests.acceptance.normal import difference
from tests.acceptance.play import Play, Stage
from tests.acceptance.programs import programs
from tests.acceptance.step import Step

pytestmark = pytest.mark.acceptance

_STEPS = int(os.environ.get("ANTIPHON_DIFFERENTIAL_STEPS", "0"))
_STEPS_IN_CI = 300
#: Hypothesis counts programs, which have some twenty steps: rounds of so many are played until there are enough.
_PROGRAMS_OF_ROUND = 20


class Stages:
    """Both servers, in lockstep."""

    def __init__(self, pair: Pair) -> None:
        self._threads = ThreadPoolExecutor(1)
        self._oracle, self._subject = Stage(pair.oracle), Stage(pair.subject)
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


@settings(
    max_examples=_PROGRAMS_OF_ROUND,
    database=None,
    deadline=None,
    print_blob=False,
    report_multiple_bugs=False,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(program=programs())
def _every_program(stages: Stages, program: list[Step]) -> None:
    stages.play(program)


def test_random_programs_come_out_alike(stages: Stages) -> None:
    first = randrange(2**32) if _STEPS else 0  # noqa: S311  a seed is no secret
    for number in count(first):
        print(f"seed {number}: {stages.steps} steps played alike")  # noqa: T201  what `make differential` is asked for
        if stages.steps >= max(_STEPS, _STEPS_IN_CI):
            break
        seed(number)(_every_program)(stages)
