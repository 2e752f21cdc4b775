"""Antiphon without HTTP: send commands on NATS, watch the states change, replay them.

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

from antiphon.client import Client, EventFilter, Recorded, StateType


async def main(nats_url: str) -> None:
    """Run one run through its life, and see it three times: as outcomes, live, and from the log."""
    async with Client.connect(nats_url) as client:
        flow = await client.flows.create("nats-only")
        created = await client.flow_runs.create(flow.aggregate_id)
        run_id = created.aggregate_id
        print(f"created       {created.status}: {run_id} at position {created.position}")
        watching = asyncio.create_task(watch(client, run_id, created.position))
        for state in (StateType.RUNNING, StateType.COMPLETED):
            await client.flow_runs.set_state(run_id, state)
        await watching

        # A refusal is an answer too, with the rule that gave it, and it is in the log like everything else.
        again = await client.flow_runs.cancel(run_id)
        print(f"cancel        {again.status}: {again.rule}: {again.reason}")
        if not again.is_aborted:
            raise SystemExit("an ended run was cancelled")

        print("replay:")
        async for event in client.replay(EventFilter(kind="flow_run", id=run_id)):
            if isinstance(event, Recorded):
                print(f"  {event.position:>6}  {event.event.TYPE}")


async def watch(client: Client, run_id: str, since: int) -> None:
    """Print a run's states as it enters them, until it is completed."""
    async for change in client.state_changes(id=run_id, since=since):
        print(f"live          -> {change.state.name}")
        if change.state.type is StateType.COMPLETED:
            return


def running_nats_url() -> str:
    """Ask the running Antiphon where its NATS server is."""
    command = [str(Path(sys.executable).with_name("antiphon")), "status", "--json"]
    status = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603  our own command
    return str(json.loads(status.stdout)["nats_url"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nats-url", help="default: that of the running Antiphon")
    asyncio.run(main(parser.parse_args().nats_url or running_nats_url()))
