"""A flow that calls flows: one that calls another, one that fails, one that succeeds at its second try."""

from prefect import flow, task

from tests.acceptance.say import say


@task(task_run_name="leaf-task")
def leaf_task() -> int:
    return 1


@flow(name="nested-flow: leaf", flow_run_name="leaf")
def leaf() -> int:
    return leaf_task()


@flow(name="nested-flow: child", flow_run_name="child", description="calls another")
def child(number: int) -> int:
    return number + leaf()


@flow(name="nested-flow: failing child", flow_run_name="failing-child")
def failing_child() -> None:
    raise ValueError("the child fails")


@flow(name="nested-flow: retried child", flow_run_name="retried-child", retries=1)
def retried_child(tries: list[int]) -> str:
    tries.append(1)
    if len(tries) == 1:
        raise ValueError("first")
    return "second"


@flow(name="nested-flow: parent", flow_run_name="parent")
def parent() -> int:
    value = child(41)
    state = failing_child(return_state=True)
    say("failing child", f"{state.type.value} {state.message}")
    say("retried child", retried_child([]))
    return value


if __name__ == "__main__":
    say("result", parent())
