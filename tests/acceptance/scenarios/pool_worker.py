"""A deployment in a work pool: a process worker, started as people start it, makes the pool and runs what is due."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from prefect import flow, task
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolUpdate
from prefect.deployments import run_deployment

from tests.acceptance.say import say

_POOL = "pool-worker"
_REPOSITORY = Path(__file__).parents[3]


@task(task_run_name="double")
def double(number: int) -> int:
    return 2 * number


@flow(name="pool-worker: doubles")
def doubles(number: int = 1) -> int:
    return double(number)


def work() -> None:
    """Start a worker, which ends when it has run what is due."""
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", _POOL, "--type", "process"]
    command += ["--name", "worker", "--run-once", "--install-policy", "never"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=80, check=False, env=dict(os.environ))  # noqa: S603
    print(ended.stdout, ended.stderr, file=sys.stderr)  # noqa: T201  shown when something is wrong
    say("worker ended", ended.returncode)


async def main() -> None:
    await asyncio.to_thread(work)
    async with get_client() as client:
        pool = await client.read_work_pool(_POOL)
        say("pool", f"{pool.type} {pool.status and pool.status.value}")
        source = await flow.from_source(
            source=str(_REPOSITORY), entrypoint=f"{Path(__file__).relative_to(_REPOSITORY)}:doubles"
        )
        deployment_id = await source.deploy(
            "pooled", work_pool_name=_POOL, work_queue_name="fast", print_next_steps=False, ignore_warnings=True
        )
        run = await run_deployment(
            "pool-worker: doubles/pooled",
            timeout=0,
            flow_run_name="pooled",
            parameters={"number": 21},
            as_subflow=False,
        )
        due = await client.get_scheduled_flow_runs_for_work_pool(_POOL, work_queue_names=["fast"])
        say("due", [item.flow_run.id == run.id for item in due])
        await asyncio.to_thread(work)
        run = await client.read_flow_run(run.id)
        say("executed", f"{run.state_name} in {run.work_pool_name}/{run.work_queue_name}")
        workers = await client.read_workers_for_work_pool(_POOL)
        say("workers", [f"{worker.name} {worker.status.value}" for worker in workers])
        queue = await client.read_work_queue_by_name("fast", _POOL)
        say("queue", f"{queue.status and queue.status.value} {queue.last_polled is not None}")
        await client.update_work_pool(_POOL, WorkPoolUpdate(is_paused=True))
        say("paused", len(await client.get_scheduled_flow_runs_for_work_pool(_POOL)))
        await client.delete_deployment(deployment_id)
        await client.delete_work_pool(_POOL)
        run = await client.read_flow_run(run.id)
        say("afterwards", f"{run.work_pool_name} {run.work_queue_id}")


if __name__ == "__main__":
    asyncio.run(main())
