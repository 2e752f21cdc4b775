"""Antiphon without HTTP: publish commands on NATS, watch the transitions, replay them.

Start a server with `make start`, then:

    .venv/bin/python examples/nats_only.py

It finds the NATS server of the running Antiphon by itself; `--nats-url` names another one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
from pathlib import Path
from uuid import UUID, uuid4

from antiphon.client import (
    Client,
    CreateFlow,
    CreateFlowRun,
    EventFilter,
    ProposedState,
    Recorded,
    SetFlowRunState,
    StateType,
    StateWritten,
    Status,
    Unreadable,
)


async def main(nats_url: str) -> None:
    """Run one run through its life, and see it three times: as outcomes, live, and from the log."""
    async with Client.connect(nats_url) as client:
        run_id = uuid4()
        first = await client.decide(uuid4(), CreateFlow(data={"name": "nats-only"}))
        watching = asyncio.create_task(watch(client, run_id, first.position))

        # `decide` waits for the outcome ...
        created = await client.decide(run_id, CreateFlowRun(flow_id=UUID(first.aggregate_id)))
        print(f"created       {created.status.value}: {run_id} at position {created.position}")

        # ... `publish` only until the command is safe on disk; the decision comes as an event.
        for state in (StateType.RUNNING, StateType.COMPLETED):
            await client.publish(run_id, SetFlowRunState(state=ProposedState(type=state)))
        await watching

        # A refusal is an answer too, with the rule that gave it, and it is in the log like everything else.
        again = await client.decide(run_id, SetFlowRunState(state=ProposedState(type=StateType.CANCELLING)))
        print(f"cancel        {again.status.value}: {again.rule}: {again.reason}")
        if again.status is not Status.ABORT:
            raise SystemExit("an ended run was cancelled")

        print("replay:")
        async for event in client.replay(EventFilter(kind="flow_run", id=run_id)):
            print(f"  {event.position:>6}  {described(event)}")


async def watch(client: Client, run_id: UUID, from_position: int) -> None:
    """Print a run's transitions as they happen, until it is completed."""
    async for event in client.subscribe(EventFilter("flow_run", run_id, "state.*"), from_position):
        print(f"live          {described(event)}")
        if (
            isinstance(event, Recorded)
            and isinstance(event.event, StateWritten)
            and event.event.state.type is StateType.COMPLETED
        ):
            return


def described(event: Recorded | Unreadable) -> str:
    """One line about an event."""
    if isinstance(event, Unreadable):
        return f"unreadable: {event.error}"
    if isinstance(event.event, StateWritten):
        return f"{event.event.TYPE} -> {event.event.state.name}"
    return event.event.TYPE


def running_nats_url() -> str:
    """Ask the running Antiphon where its NATS server is."""
    command = [str(Path(sys.executable).with_name("antiphon")), "status", "--json"]
    status = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603  our own command
    return str(json.loads(status.stdout)["nats_url"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nats-url", help="default: that of the running Antiphon")
    asyncio.run(main(parser.parse_args().nats_url or running_nats_url()))
