"""Inputs of a flow run: created, found by prefix, read, deleted; and sent and received by a running flow."""

from uuid import UUID

from prefect import flow
from prefect.client.orchestration import get_client
from prefect.input.run_input import receive_input, send_input
from prefect.runtime import flow_run

from tests.acceptance.say import say, say_error

UNKNOWN = "00000000-0000-4000-8000-000000000001"


@flow(name="flow-run-inputs: keeps")
def keeps() -> None:
    """Only its runs matter."""


@flow(name="flow-run-inputs: receives", flow_run_name="receives")
def receives() -> list[int]:
    for number in (1, 2):
        send_input(number, UUID(flow_run.id), sender="prefect.flow-run.itself")
    return [number for _, number in zip(range(2), receive_input(int, timeout=5, poll_interval=0.2), strict=False)]


def main() -> None:
    with get_client(sync_client=True) as client:
        run_id = client.create_flow_run(keeps, name="keeps").id
        for key, value in (("a-1", '{"x": [1, 2]}'), ("a-2", '"text"'), ("b-1", "null"), ("a-3", "17")):
            client.create_flow_run_input(run_id, key, value, sender=None if key == "a-1" else "me")
        found = client.filter_flow_run_input(run_id, "a-", 10, {"a-2"})
        say("found", [(each.key, each.value, each.sender) for each in found])
        say("limited", [each.key for each in client.filter_flow_run_input(run_id, "a-", 1, set())])
        say("read", [client.read_flow_run_input(run_id, key) for key in ("a-1", "a-2", "b-1", "a-3")])
        client.delete_flow_run_input(run_id, "a-1")
        say_error("deleted", lambda: client.read_flow_run_input(run_id, "a-1"))
        say_error("delete again", lambda: client.delete_flow_run_input(run_id, "a-1"))
        say_error("same key", lambda: client.create_flow_run_input(run_id, "a-2", "1"))
        say_error("no such run", lambda: client.create_flow_run_input(UNKNOWN, "k", "1"))
        say_error("not JSON", lambda: client.create_flow_run_input(run_id, "bad", "{"))


if __name__ == "__main__":
    main()
    say("received", receives())
