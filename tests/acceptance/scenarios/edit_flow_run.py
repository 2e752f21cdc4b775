"""A flow run that is renamed, tagged, given parameters and labels through the client."""

from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRunPolicy

from tests.acceptance.say import say, say_error

UNKNOWN = "00000000-0000-4000-8000-000000000001"


@flow(name="edit-flow-run: edited")
def edited(number: int = 0) -> None:
    """Only its runs matter."""


def main() -> None:
    with get_client(sync_client=True) as client:
        run = client.create_flow_run(edited, name="first name", parameters={"number": 1}, tags=["t1"])
        client.update_flow_run(run.id, name="second name", tags=["t2", "t3"], flow_version="v2")
        client.update_flow_run(run.id, parameters={"number": 2, "more": {"nested": [1, None, "x"]}})
        client.update_flow_run(run.id, empirical_policy=FlowRunPolicy(retries=4, retry_delay=2))
        client.update_flow_run(run.id, infrastructure_pid="host:123")
        client.update_flow_run_labels(run.id, {"team": "data", "size": 3, "share": 0.5, "hot": True})
        client.update_flow_run_labels(run.id, {"size": 4})
        again = client.read_flow_run(run.id)
        # The genuine database sorts the keys.
        parameters, labels = (dict(sorted(value.items())) for value in (again.parameters, again.labels))
        say("read", f"{again.name} {again.tags} {parameters} {again.infrastructure_pid} {labels}")
        say_error("unknown", lambda: client.update_flow_run(UNKNOWN, name="x"))
        say_error("unknown labels", lambda: client.update_flow_run_labels(UNKNOWN, {"a": "b"}))


if __name__ == "__main__":
    main()
