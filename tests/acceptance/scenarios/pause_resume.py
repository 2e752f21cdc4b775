"""A flow that pauses, is resumed by somebody else, and one that nobody resumes in time."""

import threading
import time
from uuid import UUID

from prefect import flow, pause_flow_run, task
from prefect.client.orchestration import get_client
from prefect.runtime import flow_run

from tests.acceptance.say import say, say_error


@task(task_run_name="before")
def before() -> int:
    return 1


@task(task_run_name="afterwards")
def afterwards() -> int:
    return 2


def resume_when_paused(flow_run_id: UUID) -> None:
    """Wait until the run is paused, then resume it, twice: the second time it runs already."""
    with get_client(sync_client=True) as client:
        while not client.read_flow_run(flow_run_id).state.is_paused():
            time.sleep(0.05)
        first = client.resume_flow_run(flow_run_id)
        say("first resume", f"{first.status.value} {first.state.name}")
        second = client.resume_flow_run(flow_run_id)
        say("second resume", f"{second.status.value} {second.details.reason}")


@flow(name="pause-resume: waits", flow_run_name="waits")
def waits() -> int:
    first = before()
    resumer = threading.Thread(target=resume_when_paused, args=(UUID(flow_run.id),))
    resumer.start()
    pause_flow_run(timeout=30, poll_interval=1, key="once")
    resumer.join()
    # The same key again: a pause that has happened is not repeated.
    say_error("pause again", lambda: pause_flow_run(timeout=30, poll_interval=1, key="once"))
    return first + afterwards()


@flow(name="pause-resume: in vain", flow_run_name="in-vain")
def in_vain() -> None:
    pause_flow_run(timeout=1, poll_interval=1)


if __name__ == "__main__":
    say("result", waits())
    say_error("in vain", in_vain)
