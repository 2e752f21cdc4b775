"""Flow runs created twice with one idempotency key are one run."""

from uuid import UUID

from prefect import flow
from prefect.client.orchestration import SyncPrefectClient, get_client

from tests.acceptance.say import say


@flow(name="idempotency-key: once")
def once() -> None:
    """Only its runs matter."""


@flow(name="idempotency-key: another")
def another() -> None:
    """Keys belong to a flow."""


def create(client: SyncPrefectClient, flow_id: UUID, name: str, **fields: object) -> tuple[int, dict[str, object]]:
    """Create a run as the SDK's own client does for a deployment: it has no such argument for a plain flow."""
    body = {"flow_id": str(flow_id), "name": name, "state": {"type": "SCHEDULED", "message": name}, **fields}
    answer = client.request("POST", "/flow_runs/", json=body)
    return answer.status_code, answer.json()


def main() -> None:
    with get_client(sync_client=True) as client:
        flow_id, other_id = client.create_flow(once), client.create_flow(another)
        first_code, first = create(client, flow_id, "first", idempotency_key="k", parameters={"a": 1})
        second_code, second = create(client, flow_id, "second", idempotency_key="k", tags=["ignored"])
        say("codes", (first_code, second_code))
        say("same", first["id"] == second["id"])
        say("second", f"{second['name']} {second['parameters']} {second['tags']} {second['state']['message']}")
        say("other flow", create(client, other_id, "other", idempotency_key="k")[1]["id"] == first["id"])
        for number in range(2):
            say("without key", create(client, flow_id, f"no key {number}")[0])


if __name__ == "__main__":
    main()
