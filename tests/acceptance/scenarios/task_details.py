"""What a task run carries besides its states: tags, names, version, inputs, a changed name, results, nesting."""

from prefect import flow, tags, task
from prefect.futures import wait
from prefect.runtime import task_run

from tests.acceptance.say import say


@task(name="named task", tags=["own", "task"], version="3.1", retries=2, retry_delay_seconds=5)
def tagged(number: int) -> int:
    return number


@task(task_run_name="kept", persist_result=True)
def kept(value: str) -> dict[str, str]:
    return {"value": value}


@task(task_run_name="inner")
def inner() -> str:
    return "inside"


@task(task_run_name=lambda: f"outer-of-{task_run.task_name}")
def outer() -> str:
    return inner()


@task(task_run_name="joined")
def joined(number: int, *, words: dict[str, str], constant: str) -> str:
    return f"{number} {words['value']} {constant}"


@flow(name="task-details: details", flow_run_name="details")
def details(count: int) -> str:
    with tags("context", "b"):
        number = tagged.submit(count)
    words = kept.submit("w")
    # The SDK takes tasks that still run when another is given their futures for its parents: their inputs would differ.
    wait([number, words])
    say("outer", outer())
    return joined.submit(number, words=words, constant="k").result()


if __name__ == "__main__":
    with tags("from outside", "a"):
        say("result", details(5))
