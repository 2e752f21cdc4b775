"""A flow that asks for input while paused: it gets a wrong one, which is refused, and then a right one."""

import threading
import time
from uuid import UUID

from prefect import flow, pause_flow_run
from prefect.client.orchestration import get_client
from prefect.input import RunInput
from prefect.runtime import flow_run

from tests.acceptance.say import say, say_error


class Person(RunInput):
    """What the flow wants to know."""

    name: str
    age: int


def answer(flow_run_id: UUID) -> None:
    """Resume with each of these inputs in turn."""
    with get_client(sync_client=True) as client:
        while True:
            run = client.read_flow_run(flow_run_id)
            keyset = run.state.is_paused() and run.state.state_details.run_input_keyset
            # The schema is stored after the state.
            if keyset and client.filter_flow_run_input(flow_run_id, keyset["schema"], 1, set()):
                break
            time.sleep(0.05)
        # The genuine database sorts the keys.
        say("keyset", keyset and dict(sorted(keyset.items())))
        for run_input in ({"name": "Ada", "age": "many"}, {"name": "Ada"}, None, {"name": "Ada", "age": 36}):
            outcome = client.resume_flow_run(flow_run_id, run_input=run_input)
            reason = getattr(outcome.details, "reason", None)
            say(f"resume with {run_input}", f"{outcome.status.value} {outcome.state.name} {reason}")


@flow(name="pause-with-input: asks", flow_run_name="asks")
def asks() -> str:
    answerer = threading.Thread(target=answer, args=(UUID(flow_run.id),))
    answerer.start()
    person = pause_flow_run(wait_for_input=Person.with_initial_data(name="nobody"), timeout=30, poll_interval=1)
    answerer.join()
    return f"{person.name} is {person.age}"


if __name__ == "__main__":
    say_error("result", lambda: say("answer", asks()))
