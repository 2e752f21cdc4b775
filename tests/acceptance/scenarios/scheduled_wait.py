"""A run that is scheduled for later has to wait; one that is due does not."""

from datetime import timedelta

from prefect import flow
from prefect.client.orchestration import get_client
from prefect.states import Pending, Running, Scheduled
from prefect.types._datetime import now

from tests.acceptance.say import say


@flow(name="scheduled-wait: later")
def later() -> None:
    """Only its runs matter."""


def main() -> None:
    with get_client(sync_client=True) as client:
        for name, delay in (("later", timedelta(hours=2)), ("due", timedelta(seconds=-30))):
            state = Scheduled(scheduled_time=now("UTC") + delay, message=name)
            run_id = client.create_flow_run(later, name=name, state=state).id
            for proposed in (Running(), Pending(), Running()):
                result = client.set_flow_run_state(run_id, proposed)
                waits = getattr(result.details, "delay_seconds", 0)
                say(f"{name} {proposed.name}", f"{result.status.value} {result.state.name} about {round(waits, -2)} s")
                say(f"{name} reason", getattr(result.details, "reason", None))


if __name__ == "__main__":
    main()
