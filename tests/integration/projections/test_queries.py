"""What is read from the read models, in Prefect's shape."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import psycopg
import pytest
from psycopg import AsyncConnection

from antiphon.projections.core.reading import configure
from antiphon.projections.filters.criteria import Criteria
from antiphon.projections.flow import queries as flows
from antiphon.projections.flow_run import queries as flow_runs
from antiphon.projections.flow_run_input import queries as inputs
from antiphon.projections.task_run import queries as task_runs
from tests.examples import FLOW_ID, NOW, run_moved, state
from tests.integration.projections.history import FIRST, MISSING, SECOND, TASK, THIRD, created, run
from tests.projection_scenario import ProjectionScenario

ALL = ["first", "second", "third"]


def names(page: bytes) -> list[str]:
    return [item["name"] for item in orjson.loads(page)]


@pytest.mark.parametrize("sort", list(flow_runs.FlowRunSort))
async def test_every_sort_of_flow_runs_is_paged(connection: AsyncConnection[Any], sort: flow_runs.FlowRunSort) -> None:
    whole = names(await flow_runs.FLOW_RUNS.find(connection, Criteria(), sort, 200, 0))
    pages = [names(await flow_runs.FLOW_RUNS.find(connection, Criteria(), sort, 1, offset))[0] for offset in range(3)]
    assert pages == whole
    assert sorted(whole) == ALL


@pytest.mark.parametrize("sort", list(task_runs.TaskRunSort))
async def test_every_sort_of_task_runs_is_known(connection: AsyncConnection[Any], sort: task_runs.TaskRunSort) -> None:
    assert len(names(await task_runs.TASK_RUNS.find(connection, Criteria(), sort, 200, 0))) == 2


async def test_times_and_durations_are_written_as_prefect_writes_them(connection: AsyncConnection[Any]) -> None:
    found = orjson.loads(await flow_runs.FLOW_RUNS.get(connection, FIRST) or b"null")
    assert found["start_time"] == "2026-01-02T03:03:05.678901Z"
    assert found["total_run_time"] == 0.0
    assert (found["estimated_run_time"], found["estimated_start_time_delta"]) == (0.0, 0.0)
    assert found["state"]["timestamp"] == found["start_time"]
    late = orjson.loads(await flow_runs.FLOW_RUNS.get(connection, SECOND) or b"null")
    assert late["estimated_start_time_delta"] > 0
    third = orjson.loads(await flow_runs.FLOW_RUNS.get(connection, THIRD) or b"null")
    assert (third["state"]["type"], third["start_time"]) == ("PENDING", None)


async def test_what_is_not_there_is_none(connection: AsyncConnection[Any]) -> None:
    assert await flow_runs.FLOW_RUNS.get(connection, MISSING) is None
    assert await flow_runs.STATES.get(connection, MISSING) is None
    assert await flows.FLOWS.get(connection, MISSING) is None
    assert await flows.by_name(connection, "other") is None
    assert await inputs.value(connection, FIRST, "other") is None
    assert await flow_runs.FLOW_RUNS.select_ids(connection, [MISSING]) == []


async def test_objects_are_found_by_id_name_and_key(connection: AsyncConnection[Any]) -> None:
    assert await flows.FLOWS.get(connection, FLOW_ID) == await flows.by_name(connection, "flow")
    assert await inputs.value(connection, FIRST, "in-1") == "1"
    assert orjson.loads(await inputs.find(connection, FIRST, "in-", 5, ["in-1"])) == []
    (only,) = orjson.loads(await inputs.find(connection, FIRST, "in-", 5, []))
    assert only["key"] == "in-1"
    initial, its_state = orjson.loads(await flow_runs.STATES.of_run(connection, FIRST))
    assert initial["type"] == "PENDING"
    assert its_state == orjson.loads(await flow_runs.STATES.get(connection, UUID(int=101)) or b"null")
    assert orjson.loads(await task_runs.STATES.of_run(connection, TASK))[0]["id"] == str(UUID(int=103))
    both = await flow_runs.FLOW_RUNS.select_ids(connection, [FIRST, SECOND])
    assert {row["id"] for row in both} == {FIRST, SECOND}


async def test_a_running_run_grows_older_while_nothing_is_written(projections: ProjectionScenario) -> None:
    long_ago = NOW - timedelta(days=1)
    running = state("RUNNING", at=long_ago).model_copy(update={"id": UUID(int=1)})
    await projections.when((run(FIRST), created("first")), (run(FIRST), run_moved(running, start_time=long_ago)))
    async with await psycopg.AsyncConnection.connect(projections.postgres_url) as connection:
        await configure(connection)
        first, second = [orjson.loads(await flow_runs.FLOW_RUNS.get(connection, FIRST) or b"null") for _ in range(2)]
    assert 86_400 < first["estimated_run_time"] < second["estimated_run_time"]
