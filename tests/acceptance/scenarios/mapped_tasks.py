"""Tasks mapped over a list, a task mapped over their futures, and one that waits for all of them."""

from prefect import flow, task, unmapped

from tests.acceptance.say import say


@task(task_run_name="scale-{number}")
def scale(number: int, factor: int) -> int:
    return number * factor


@task(task_run_name="negate-{place}")
def negate(number: int, place: int) -> int:
    return -number


@task(task_run_name="total")
def total(numbers: list[int]) -> int:
    return sum(numbers)


@flow(name="mapped-tasks: totals", flow_run_name="mapped")
def totals() -> int:
    scaled = scale.map([1, 2, 3, 4], factor=unmapped(10))
    negated = negate.map(scaled, [0, 1, 2, 3])
    return total(negated, wait_for=[scaled])


if __name__ == "__main__":
    say("result", totals())
