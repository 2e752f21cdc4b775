"""A flow with two tasks, the second using the first one's result."""

from prefect import flow, task

from tests.acceptance.say import say


@task
def double(number: int) -> int:
    return number * 2


@task(name="add one", description="a task with a name of its own")
def increment(number: int) -> int:
    return number + 1


@flow(name="plain-flow: arithmetic", flow_run_name="plain", description="two tasks", version="7")
def arithmetic(number: int = 20, note: str = "ünïcode") -> int:
    return increment(double(number))


if __name__ == "__main__":
    say("result", arithmetic())
