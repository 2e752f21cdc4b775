"""Scheduled runs that are cancelled before anything started them, and a running one that is asked to stop."""

from datetime import timedelta
from uuid import UUID

from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.states import Cancelled, Cancelling, Pending, Running, Scheduled
from prefect.types._datetime import now

from tests.acceptance.say import say


@flow(name="cancel-scheduled: never runs")
def never_runs() -> None:
    """Only its runs matter."""


def main() -> None:
    with get_client(sync_client=True) as client:

        def propose(run_id: UUID, *states: State) -> None:
            for state in states:
                result = client.set_flow_run_state(run_id, state)
                shown = result.state and f"{result.state.type.value} {result.state.name} {result.state.message}"
                reason = getattr(result.details, "reason", None)
                say("proposed", f"{state.name}: {result.status.value} {shown} {reason}")

        def scheduled(name: str) -> UUID:
            state = Scheduled(scheduled_time=now("UTC") + timedelta(hours=1))
            return client.create_flow_run(never_runs, name=name, state=state).id

        propose(scheduled("asked"), Cancelling(), Cancelling(), Cancelled())
        propose(scheduled("at-once"), Cancelled(message="not needed"), Running(), Cancelling())
        propose(scheduled("started"), Pending(), Cancelling(message="stop"), Running(), Cancelled(message="stopped"))
        propose(client.create_flow_run(never_runs, name="pending").id, Pending(), Running(), Cancelling(), Cancelled())


if __name__ == "__main__":
    main()
