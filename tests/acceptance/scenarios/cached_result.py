"""A task whose result is kept and taken from the cache by the next run of it."""

from prefect import flow, task
from prefect.cache_policies import INPUTS

from tests.acceptance.say import say

computed: list[int] = []


@task(task_run_name="slow-{number}", cache_policy=INPUTS, persist_result=True)
def slow(number: int) -> int:
    computed.append(number)
    return number * 3


@flow(name="cached-result: twice", flow_run_name="{name}", persist_result=True)
def twice(name: str) -> list[int]:
    first = slow(2)
    state = slow(2, return_state=True)
    say(f"{name}: second", f"{state.type.value} {state.name}")
    return [first, state.result()]


if __name__ == "__main__":
    say("first run", twice("first"))
    say("second run", twice("second"))
    say("computed", computed)
