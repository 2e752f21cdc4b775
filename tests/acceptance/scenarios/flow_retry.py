"""Flows that are tried again, at once and after a delay; one runs out of tries."""

from prefect import flow, task

from tests.acceptance.say import say

tries: dict[str, int] = {}


@task(task_run_name="step-{name}-{number}")
def step(name: str, number: int) -> int:
    return number


@flow(name="flow-retry: stubborn", flow_run_name="{name}", retries=2, retry_delay_seconds=1)
def stubborn(name: str, good: int) -> str:
    tries[name] = tries.get(name, 0) + 1
    step(name, tries[name])
    if tries[name] < good:
        raise ValueError(f"try {tries[name]} of {name}")
    return f"{name} at try {tries[name]}"


@flow(name="flow-retry: at once", flow_run_name="at-once", retries=1)
def at_once() -> str:
    tries["at once"] = tries.get("at once", 0) + 1
    if tries["at once"] == 1:
        raise ValueError("first")
    return "second"


if __name__ == "__main__":
    say("succeeds", stubborn("succeeds", 2))
    say("at once", at_once())
    state = stubborn("fails", 9, return_state=True)
    say("fails", f"{state.type.value} {state.name} {state.message}")
