"""Tasks that are tried again: one succeeds at the third try, one never does."""

from prefect import flow, task

from tests.acceptance.say import say

tries: list[int] = []


@task(task_run_name="flaky", retries=3, retry_delay_seconds=[0.1, 0.2, 0.3])
def flaky() -> str:
    tries.append(1)
    if len(tries) < 3:
        raise ConnectionError(f"try {len(tries)}")
    return "at last"


@task(task_run_name="hopeless", retries=1)
def hopeless() -> None:
    raise ConnectionError("never")


@flow(name="task-retry: patience", flow_run_name="patient")
def patience() -> str:
    state = hopeless(return_state=True)
    say("hopeless", f"{state.type.value} {state.name} {state.message}")
    return flaky()


if __name__ == "__main__":
    say("result", patience())
    say("tries", len(tries))
