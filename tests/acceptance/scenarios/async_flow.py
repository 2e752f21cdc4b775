"""An asynchronous flow whose tasks run one after the other and at once."""

import asyncio

from prefect import flow, task

from tests.acceptance.say import say


@task(task_run_name="square-{number}")
async def square(number: int) -> int:
    await asyncio.sleep(0.01)
    return number**2


@flow(name="async-flow: squares", flow_run_name="async")
async def squares(numbers: list[int]) -> int:
    first = await square(100)
    return first + sum(await asyncio.gather(*[square(number) for number in numbers]))


if __name__ == "__main__":
    say("result", asyncio.run(squares([1, 2, 3])))
