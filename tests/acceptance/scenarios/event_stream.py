"""Follow what happens to flow runs with the SDK's own subscriber, while they fail, retry, pause, nest and crash."""

import asyncio
import json
import re

from prefect import flow
from prefect.client.orchestration import get_client
from prefect.events.clients import PrefectEventSubscriber
from prefect.events.filters import EventFilter, EventNameFilter
from prefect.events.schemas.events import Event
from prefect.states import Crashed, Paused, Running, Scheduled

from tests.acceptance.say import say

EXPECTED = 15
LONG = "x" * 70_000 + "y" * 70_000


@flow(name="event-stream:child", flow_run_name="the child")
def child() -> int:
    """End well."""
    return 1


@flow(name="event-stream:parent", flow_run_name="the parent")
def parent() -> int:
    """Have a subflow."""
    return child()


@flow(name="event-stream:flaky", flow_run_name="the flaky one", retries=1)
def flaky(fails: list[int]) -> None:
    """Fail at first."""
    if fails:
        fails.pop()
        raise ValueError("not yet")


async def by_hand() -> None:
    """Move runs as no flow would."""
    async with get_client() as client:
        run = await client.create_flow_run(child, name="by hand", tags=["b", "a"], state=Scheduled(message="later"))
        await client.set_flow_run_state(run.id, Paused(timeout_seconds=300, reschedule=True))
        await client.resume_flow_run(run.id)
        await client.set_flow_run_state(run.id, Crashed(message=LONG), force=True)
        await client.update_flow_run(run.id, name="by another hand")
        refused = await client.set_flow_run_state(run.id, Paused(timeout_seconds=300))
        say("refused", refused.status.value)
        await client.set_flow_run_state(run.id, Running(), force=True)
        other = await client.create_flow_run(child, name="other", state=Crashed())
        await client.delete_flow_run(other.id)


def show(event: Event, numbers: dict[str, int]) -> None:
    """Print an event, and which earlier one it follows."""
    numbers[str(event.id)] = len(numbers)
    fields = event.model_dump(mode="json")
    for part in ("event", "occurred", "resource", "related", "payload"):
        text = json.dumps(fields[part], sort_keys=True)
        text = re.sub(r"x{9,}|y{9,}", lambda run: f"<{len(run[0])} {run[0][0]}>", text)
        say(part, re.sub(r'"prefect.resource.name": "[a-z]+-[a-z]+"', "<two words>", text))
    follows = numbers.get(str(event.follows), "unknown") if event.follows else None
    say("follows", follows)


async def main() -> None:
    """Run everything while listening."""
    numbers: dict[str, int] = {}
    wanted = EventFilter(
        event=EventNameFilter(prefix=["prefect.flow-run."], exclude_name=["prefect.flow-run.heartbeat"])
    )
    async with PrefectEventSubscriber(filter=wanted) as subscriber:
        await asyncio.to_thread(parent)
        await asyncio.to_thread(flaky, [1])
        await by_hand()
        async with asyncio.timeout(30):
            async for event in subscriber:
                # Those of the last minute come first, also of other flows.
                if any(item.name.startswith("event-stream:") for item in event.related if item.role == "flow"):
                    show(event, numbers)
                if len(numbers) == EXPECTED:
                    break


if __name__ == "__main__":
    asyncio.run(main())
