"""One question for all who ask at once, and never an answer from before they asked."""

from __future__ import annotations

import asyncio
from itertools import count

import pytest

from antiphon.services.gateway.consistency.read_models import SingleFlight


class Oracle:
    """Answers with the number of the question, when it is allowed to."""

    def __init__(self) -> None:
        self.asked = count(1)
        self.put = 0
        self.may_answer = asyncio.Event()

    async def __call__(self) -> int:
        self.put = next(self.asked)
        answer = self.put
        await self.may_answer.wait()
        return answer


async def turns(number: int = 5) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def test_those_who_ask_at_once_share_a_question() -> None:
    oracle = Oracle()
    oracle.may_answer.set()
    shared = SingleFlight(oracle)
    assert await asyncio.gather(*(shared.get() for _ in range(5))) == [1] * 5
    assert await shared.get() == 2


async def test_who_comes_while_a_question_is_out_gets_the_answer_to_the_next() -> None:
    oracle = Oracle()
    shared = SingleFlight(oracle)
    first = asyncio.create_task(shared.get())
    await turns()
    late = [asyncio.create_task(shared.get()) for _ in range(3)]
    await turns()
    assert oracle.put == 1
    oracle.may_answer.set()
    assert [await first, *[await each for each in late]] == [1, 2, 2, 2]


async def test_one_who_leaves_takes_no_answer_from_the_others() -> None:
    oracle = Oracle()
    shared = SingleFlight(oracle)
    leaving, staying = asyncio.create_task(shared.get()), asyncio.create_task(shared.get())
    await turns()
    leaving.cancel()
    await turns()
    oracle.may_answer.set()
    assert await staying == 1


async def test_a_question_that_fails_fails_for_those_who_shared_it_only() -> None:
    answers = iter([OSError("gone"), None])

    async def ask() -> str:
        error = next(answers)
        if error is not None:
            raise error
        return "well"

    shared = SingleFlight(ask)
    found = await asyncio.gather(shared.get(), shared.get(), return_exceptions=True)
    assert [str(each) for each in found] == ["gone", "gone"]
    assert await shared.get() == "well"


@pytest.mark.parametrize("readers", [1, 40])
async def test_readers_that_keep_coming_are_all_answered(readers: int) -> None:
    oracle = Oracle()
    oracle.may_answer.set()
    shared = SingleFlight(oracle)

    async def reader() -> list[int]:
        return [await shared.get() for _ in range(10)]

    found = await asyncio.gather(*(reader() for _ in range(readers)))
    assert all(list(each) == sorted(each) for each in found)
