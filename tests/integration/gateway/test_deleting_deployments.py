"""A deployment goes with the runs that wait for their time, also when its deletion is broken off on the way."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import nats

from antiphon.events.client.client import Client
from antiphon.events.document.commands import CreateDeployment, CreateFlow
from antiphon.events.flow_run.commands import CreateFlowRun
from antiphon.events.state import ProposedState, StateType
from antiphon.services.policy.main import run as run_policy
from antiphon.services.projector.main import run as run_projector
from tests.integration.gateway.house import DEADLINE_SECONDS, Addresses

RUNS = 350


async def deployed(client: Client) -> UUID:
    """A deployment with many runs that wait and one that does not."""
    flow = UUID((await client.decide(uuid4(), CreateFlow(data={"name": "often"}))).aggregate_id)
    deployment = uuid4()
    await client.decide(deployment, CreateDeployment(data={"flow_id": str(flow), "name": "daily"}))
    scheduled, pending = (ProposedState(type=kind) for kind in (StateType.SCHEDULED, StateType.PENDING))
    states = [pending, *[scheduled] * RUNS]
    runs = [CreateFlowRun(flow_id=flow, deployment_id=deployment, state=state) for state in states]
    await asyncio.gather(*(client.decide(uuid4(), run) for run in runs))
    return deployment


async def test_a_deletion_that_is_broken_off_is_finished_by_asking_again(addresses: Addresses) -> None:
    async with (
        addresses.running(run_policy, run_projector),
        addresses.gateway() as caller,
        await nats.connect(addresses.nats_url) as connection,
    ):
        deployment = await deployed(Client(connection, timeout_seconds=DEADLINE_SECONDS))
        deletions = await connection.subscribe("evt.flow_run.*.deleted")
        path = f"/deployments/{deployment}"
        asking = asyncio.create_task(caller.delete(path))
        await deletions.next_msg(timeout=DEADLINE_SECONDS)
        # As if the gateway had ended here.
        asking.cancel()
        await asyncio.wait([asking])
        assert (await caller.get(path)).status_code == 200
        assert 1 < (await caller.post("/flow_runs/count", json={})).json() <= RUNS
        assert (await caller.delete(path)).status_code == 204
        assert (await caller.get(path)).status_code == 404
        (left,) = (await caller.post("/flow_runs/filter", json={})).json()
        assert left["state_type"] == "PENDING"
        assert (await caller.delete(path)).status_code == 404
