"""A deployment with one slot: applied, its runs asked for, and polled for and executed by a runner."""

import asyncio
from datetime import timedelta

from prefect import flow, task
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.deployments import run_deployment
from prefect.runner import Runner
from prefect.states import Pending
from prefect.types._datetime import now

from tests.acceptance.say import say


@task
def double(number: int) -> int:
    return 2 * number


@flow(name="served-deployment: doubles")
def doubles(number: int = 1) -> int:
    return double(number)


async def main() -> None:
    runner = Runner(name="served", limit=1)
    limit = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE)
    deployment = await doubles.to_deployment("served", parameters={"number": 2}, tags=["t"], concurrency_limit=limit)
    deployment_id = await runner.add_deployment(deployment)
    async with get_client() as client:
        found = await client.read_deployment(deployment_id)
        assert found.global_concurrency_limit is not None
        say("slots", found.global_concurrency_limit.limit)
        due = await run_deployment(
            "served-deployment: doubles/served",
            timeout=0,
            flow_run_name="due",
            parameters={"number": 21},
            as_subflow=False,
        )
        later = await client.create_flow_run_from_deployment(deployment_id, name="later")
        await client.set_flow_run_state(later.id, Pending())
        blocked = await client.create_flow_run_from_deployment(deployment_id, name="blocked")
        result = await client.set_flow_run_state(blocked.id, Pending())
        say("blocked", f"{result.status.value} {result.state and result.state.name}")
        # The runner executes what is due once the slot is free.
        await client.delete_flow_run(later.id)
        free = GlobalConcurrencyLimitUpdate(active_slots=0)
        await client.update_global_concurrency_limit(f"deployment:{deployment_id}", free)
        await runner.start(run_once=True)
        run = await client.read_flow_run(due.id)
        say("executed", f"{run.state_name} {run.parameters}")
        await client.delete_flow_run(blocked.id)
        await client.delete_deployment(deployment_id)
    assert now("UTC") - run.created < timedelta(minutes=2)


if __name__ == "__main__":
    asyncio.run(main())
