"""Slots of global limits, of rates and of tags, as the SDK takes them while flows run."""

from prefect import flow, task
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.concurrency.sync import concurrency, rate_limit

from tests.acceptance.say import say


def taken(name: str) -> int:
    with get_client(sync_client=True) as client:
        return client.read_global_concurrency_limit_by_name(name).active_slots


@task(tags=["global-limits-tag"])
def tagged(number: int) -> int:
    say("tagged", taken("tag:global-limits-tag"))
    return number


@flow(name="global-limits: takes slots", flow_run_name="takes")
def takes_slots() -> None:
    with concurrency("global-limits-two", occupy=2):
        say("inside", taken("global-limits-two"))
    say("outside", taken("global-limits-two"))
    with concurrency(["global-limits-two", "global-limits-none"], occupy=1):
        say("one of two", taken("global-limits-two"))
    rate_limit("global-limits-rate")
    say("rate", taken("global-limits-rate"))
    for number in range(3):
        tagged(number)
    say("tag outside", taken("tag:global-limits-tag"))


def main() -> None:
    with get_client(sync_client=True) as client:
        for name, limit, decay in (("two", 2, 0), ("rate", 100, 0.0001)):
            client.create_global_concurrency_limit(
                GlobalConcurrencyLimitCreate(name=f"global-limits-{name}", limit=limit, slot_decay_per_second=decay)
            )
        client.create_concurrency_limit(tag="global-limits-tag", concurrency_limit=1)
        takes_slots(return_state=True)
        for name in ("two", "rate"):
            client.delete_global_concurrency_limit_by_name(f"global-limits-{name}")
        client.delete_concurrency_limit_by_tag("global-limits-tag")


if __name__ == "__main__":
    main()
