"""Flows that end badly, each in its own way."""

import time

from prefect import flow, task
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowFilter, FlowFilterName
from prefect.states import Cancelled, Completed, Failed

from tests.acceptance.say import say, say_error


@task(task_run_name="broken")
def broken() -> None:
    raise RuntimeError('the task broke: ½ "quoted"\nand a second line')


@task(task_run_name="after")
def after(nothing: object) -> None:
    """Never reached: what it waits for fails."""


@flow(name="failing-flow: raises", flow_run_name="raises")
def raises() -> None:
    raise ValueError("on purpose")


@flow(name="failing-flow: task fails", flow_run_name="task-fails")
def task_fails() -> None:
    future = broken.submit()
    # While what a task waits for still runs, the SDK records it as the task's parent too, in half of the cases.
    future.wait()
    after.submit(future).wait()


@flow(name="failing-flow: returns states", flow_run_name="returns-{what}")
def returns(what: str) -> object:
    states = {
        "failed": Failed(message="not today"),
        "cancelled": Cancelled(message="no longer wanted"),
        "named": Completed(message="nothing to do", name="Skipped"),
    }
    return states[what]


@flow(name="failing-flow: too slow", flow_run_name="too-slow", timeout_seconds=0.3)
def too_slow() -> None:
    time.sleep(3)


@flow(name="failing-flow: wrong parameter")
def typed(number: int) -> int:
    return number


def rename_only_run_of(flow_name: str, name: str) -> None:
    """A run that fails before it starts keeps its random name; records are compared by name."""
    with get_client(sync_client=True) as client:
        (run,) = client.read_flow_runs(flow_filter=FlowFilter(name=FlowFilterName(any_=[flow_name])))
        client.update_flow_run(run.id, name=name)


@flow(name="failing-flow: interrupted", flow_run_name="interrupted")
def interrupted() -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    say_error("raises", raises)
    say_error("task fails", task_fails)
    for what in ("failed", "cancelled", "named"):
        say_error(f"returns {what}", lambda what=what: returns(what))
    say_error("too slow", too_slow)
    say_error("wrong parameter", lambda: typed("seven"))
    rename_only_run_of(typed.name, "wrong-parameter")
    try:
        interrupted()
    except KeyboardInterrupt:
        say("interrupted", "yes")
