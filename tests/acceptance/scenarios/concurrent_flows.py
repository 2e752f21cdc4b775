"""Twenty flows at once in one process."""

import asyncio

from prefect import flow, task

from tests.acceptance.say import say


@task(task_run_name="work-{number:02}")
async def work(number: int) -> int:
    await asyncio.sleep(0.05)
    return number


@flow(name="concurrent-flows: one of many", flow_run_name="run-{number:02}")
async def one_of_many(number: int) -> int:
    return await work(number)


async def main() -> None:
    say("total", sum(await asyncio.gather(*[one_of_many(number) for number in range(20)])))


if __name__ == "__main__":
    asyncio.run(main())
