"""States proposed where the rules refuse them, without and with force."""

from uuid import UUID

from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.states import Completed, Crashed, Failed, Paused, Pending, Running, Scheduled

from tests.acceptance.say import say

TRANSITION = UUID("11111111-1111-4111-8111-111111111111")


@flow(name="forced-state: forced")
def forced() -> None:
    """Only its runs matter."""


def main() -> None:
    with get_client(sync_client=True) as client:

        def propose(run_id: UUID, state: State, *, force: bool = False) -> None:
            result = client.set_flow_run_state(run_id, state, force=force)
            shown = result.state and f"{result.state.type.value} {result.state.name} {result.state.message}"
            reason = getattr(result.details, "reason", None)
            say(f"{state.name}{' forced' if force else ''}", f"{result.status.value} {shown} {reason}")

        run_id = client.create_flow_run(forced, name="forced").id
        propose(run_id, Running())
        propose(run_id, Pending())
        propose(run_id, Pending(message="by force"), force=True)
        propose(run_id, Completed())
        propose(run_id, Running())
        propose(run_id, Crashed())
        propose(run_id, Crashed(message="by force"), force=True)
        propose(run_id, Scheduled())
        propose(run_id, Failed(message="terminal to terminal"))
        propose(run_id, Running(), force=True)
        propose(run_id, Paused(timeout_seconds=60))

        repeated = client.create_flow_run(forced, name="repeated").id
        running = Running()
        running.state_details.transition_id = TRANSITION
        propose(repeated, running)
        propose(repeated, running)
        propose(repeated, running, force=True)
        other = Completed()
        other.state_details.transition_id = TRANSITION
        propose(repeated, other)
        run = client.read_flow_run(repeated)
        say("repeated", f"{run.run_count} {run.state.name}")


if __name__ == "__main__":
    main()
