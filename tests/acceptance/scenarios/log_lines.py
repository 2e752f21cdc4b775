"""Log lines of a flow and its task, read back through the client."""

import time

from prefect import flow, get_run_logger, task
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId, LogFilterLevel
from prefect.client.schemas.sorting import LogSort

from tests.acceptance.say import say


@task(task_run_name="speaks")
def speaks() -> None:
    get_run_logger().warning("from the task: %s", "ünïcode ✓")


@flow(name="log-lines: speaks", flow_run_name="speaks", log_prints=True)
def flow_speaks() -> None:
    logger = get_run_logger()
    logger.debug("a detail")
    logger.info("several\nlines")
    logger.error("long: %s", "x" * 3000)
    print("printed")  # noqa: T201 - print is what is tested
    speaks()


def read_back(flow_run_id: object) -> None:
    with get_client(sync_client=True) as client:
        of_run = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[flow_run_id]))
        deadline = time.monotonic() + 15
        # Sent in the background in batches.
        while len(client.read_logs(of_run)) < 7 and time.monotonic() < deadline:
            time.sleep(0.2)
        for line in client.read_logs(of_run, sort=LogSort.TIMESTAMP_DESC):
            say("line", f"{line.level} {line.name} {line.message[:40]!r} task {line.task_run_id is not None}")
        loud = LogFilter(flow_run_id=of_run.flow_run_id, level=LogFilterLevel(ge_=30))
        say("loud", [line.level for line in client.read_logs(loud)])
        say("second of them", [line.level for line in client.read_logs(loud, limit=1, offset=1)])


if __name__ == "__main__":
    state = flow_speaks(return_state=True)
    read_back(state.state_details.flow_run_id)
