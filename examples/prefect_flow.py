"""An ordinary Prefect flow: tasks, a retry, a subflow and logs. Nothing in it knows about Antiphon.

Start Antiphon in one terminal:

    make start

and in another, with Prefect installed (`pip install prefect==3.8.8`):

    export PREFECT_API_URL=http://127.0.0.1:4200/api
    python examples/prefect_flow.py

Then read it back: `prefect flow-run ls`, `prefect flow-run logs ID`.
"""

from prefect import flow, get_run_logger, task
from prefect.runtime import task_run

READINGS = {"north": [11.5, 12.0, 13.5], "south": [21.0, 19.5]}


@task(retries=2, retry_delay_seconds=0.5, task_run_name="fetch-{station}")
def fetch(station: str) -> list[float]:
    """Fetch the readings of a station. The first try fails, as networks do."""
    if task_run.run_count == 1:
        raise ConnectionError(f"{station} does not answer")
    return READINGS[station]


@task(task_run_name="mean-of-{station}")
def mean(station: str, readings: list[float]) -> float:
    """Return the mean of some readings."""
    get_run_logger().info("%s sent %d readings", station, len(readings))
    return sum(readings) / len(readings)


@flow(flow_run_name="summary-of-{station}")
def summary(station: str) -> float:
    """Fetch and sum up one station: a subflow, with a run of its own."""
    return mean(station, fetch(station))


@flow(log_prints=True)
def weather() -> dict[str, float]:
    """Sum up every station."""
    means = {station: summary(station) for station in READINGS}
    print(f"the warmest station is {max(means, key=means.__getitem__)}")
    return means


if __name__ == "__main__":
    weather()
