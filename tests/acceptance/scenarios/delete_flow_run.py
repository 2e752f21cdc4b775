"""Flow runs that are deleted, with what hangs on them."""

from prefect import flow, task
from prefect.client.orchestration import get_client

from tests.acceptance.say import say, say_error


@task
def work() -> int:
    return 1


@flow(name="delete-flow-run: gone", flow_run_name="{name}")
def gone(name: str) -> int:
    return work()


def main() -> None:
    kept, deleted = (gone(name, return_state=True).state_details.flow_run_id for name in ("kept", "deleted"))
    with get_client(sync_client=True) as client:
        client.create_flow_run_input(deleted, "key", "1")
        client.delete_flow_run(deleted)
        say("kept", client.read_flow_run(kept).name)
        say_error("read", lambda: client.read_flow_run(deleted))
        say_error("delete again", lambda: client.delete_flow_run(deleted))
        say_error("states", lambda: say("states of deleted", len(client.read_flow_run_states(deleted))))
        say_error("input", lambda: client.read_flow_run_input(deleted, "key"))


if __name__ == "__main__":
    main()
