"""Submit background tasks while nobody serves them, then serve them, then submit more while they are served."""

import json
import threading
import time
from uuid import UUID

from prefect import task
from prefect.client.orchestration import get_client
from prefect.futures import PrefectDistributedFuture
from prefect.task_worker import serve

from tests.acceptance.say import say

SERVED_SECONDS = 15
#: Differs from one run to the next.
VARIES = {"id", "dynamic_key", "state", "state_id", "task_key"} | {
    "estimated_run_time",
    "estimated_start_time_delta",
    "total_run_time",
}


@task(name="background-tasks:adds", task_run_name="{a} and {b}", persist_result=True)
def adds(a: int, b: int) -> int:
    """Work."""
    return a + b


@task(name="background-tasks:fails", task_run_name="fails", retries=1)
async def fails() -> None:
    """Fail twice."""
    raise ValueError("in vain")


def show(run_id: UUID) -> None:
    """Print a task run as the server knows it, once it has ended."""
    with get_client(sync_client=True) as client:
        deadline = time.monotonic() + SERVED_SECONDS
        while not (run := client.read_task_run(run_id)).state.is_final() and time.monotonic() < deadline:
            time.sleep(0.1)
        states = client.read_task_run_states(run_id)
        fields = run.model_dump(mode="json", exclude=VARIES)
        say("task run", json.dumps(fields, sort_keys=True))
        for state in states:
            details = state.state_details.model_dump(mode="json", exclude_unset=True)
            say(f"  {state.name} {state.type.value}", f"{state.message} {json.dumps(details, sort_keys=True)}")


def submit_later(futures: list[PrefectDistributedFuture[int]]) -> None:
    """Submit while the tasks are served, and wait for a result."""
    time.sleep(4)
    futures.append(adds.delay(5, 6))
    futures[-1].wait(timeout=SERVED_SECONDS)
    say("waited for", futures[-1].result(timeout=1))


if __name__ == "__main__":
    futures: list[PrefectDistributedFuture[int]] = [adds.delay(1, 2), adds.delay(3, 4), fails.delay()]
    more = threading.Thread(target=submit_later, args=(futures,))
    more.start()
    serve(adds, fails, timeout=SERVED_SECONDS)
    more.join()
    for future in futures:
        show(future.task_run_id)
