"""Filters on rows, as Prefect's server answers them (docs/prefect/queries.md sections 3, 4 and 7)."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from psycopg import AsyncConnection

from antiphon.projections.filters.conditions import Parameters
from antiphon.projections.filters.criteria import Criteria
from antiphon.projections.filters.objects import DeploymentFilter, FlowFilter, FlowRunFilter, LogFilter, TaskRunFilter
from antiphon.projections.flow import queries as flows
from antiphon.projections.flow_run import queries as flow_runs
from antiphon.projections.log import queries as logs
from antiphon.projections.task_run import queries as task_runs
from tests.examples import EARLIER, NOW
from tests.integration.projections.history import FIRST, HIDDEN


def names(page: bytes) -> list[str]:
    return [item["name"] for item in orjson.loads(page)]


async def runs(connection: AsyncConnection[Any], criteria: Criteria) -> list[str]:
    found = names(await flow_runs.FLOW_RUNS.find(connection, criteria, flow_runs.FlowRunSort.NAME_ASC, 200, 0))
    assert await flow_runs.FLOW_RUNS.count(connection, criteria) == len(found)
    return found


ALL = ["first", "second", "third"]


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        ({}, ALL),
        ({"id": {"any_": [str(FIRST)]}}, ["first"]),
        ({"id": {"any_": []}}, []),
        ({"id": {"not_any_": [str(FIRST)]}}, ["second", "third"]),
        ({"id": {"not_any_": []}}, ALL),
        ({"name": {"like_": "IR"}}, ["first", "third"]),
        ({"name": {"like_": "%r_t%"}}, ["first"]),
        ({"tags": {"all_": ["a", "b"]}}, ["first"]),
        ({"tags": {"any_": ["b", "c"]}}, ["first"]),
        ({"tags": {"any_": []}}, []),
        ({"tags": {"all_": []}}, ALL),
        ({"tags": {"is_null_": True}}, ["third"]),
        ({"tags": {"is_null_": False}}, ["first", "second"]),
        ({"tags": {"operator": "or_", "all_": ["b"], "is_null_": True}}, ["first", "third"]),
        ({"deployment_id": {"is_null_": True}}, ALL),
        ({"state": {"type": {"any_": ["COMPLETED"]}}}, ["first"]),
        ({"state": {"type": {"not_any_": ["COMPLETED"]}}}, ["second", "third"]),
        ({"state": {"type": {"any_": ["COMPLETED"], "not_any_": ["FAILED"]}}}, ALL),
        ({"state": {"operator": "or_", "type": {"any_": ["COMPLETED"]}, "name": {"any_": ["Scheduled"]}}}, ALL[:2]),
        ({"flow_version": {"any_": ["1"]}}, ["first"]),
        ({"start_time": {"before_": EARLIER.isoformat()}}, ["first"]),
        # The expected start counts where there is no real one, and `is_null_` asks for the real one.
        ({"start_time": {"after_": NOW.isoformat()}}, ["second"]),
        ({"start_time": {"is_null_": True}}, ["second", "third"]),
        ({"end_time": {"is_null_": False}}, ["first"]),
        ({"expected_start_time": {"after_": NOW.isoformat()}}, ["second"]),
        ({"next_scheduled_start_time": {"before_": NOW.isoformat()}}, ["second"]),
        ({"parent_flow_run_id": {"any_": [str(FIRST)]}}, ["second"]),
        ({"parent_task_run_id": {"is_null_": True}}, ["first", "third"]),
        ({"idempotency_key": {"any_": ["k"]}}, ["first"]),
        ({"idempotency_key": {"not_any_": ["k"]}}, []),
        ({"created_by": {"is_null_": True}}, ALL),
        ({"operator": "or_", "name": {"any_": ["first"]}, "tags": {"is_null_": True}}, ["first", "third"]),
        # Among alternatives, one that asks nothing holds for everything.
        ({"operator": "or_", "name": {"any_": ["first"]}, "tags": {}}, ALL),
    ],
)
async def test_flow_runs_are_filtered(
    connection: AsyncConnection[Any], filter_: dict[str, Any], expected: list[str]
) -> None:
    assert await runs(connection, Criteria(flow_runs=FlowRunFilter.model_validate(filter_))) == expected


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        (Criteria(flows=FlowFilter()), ALL),
        (Criteria(flows=FlowFilter.model_validate({"name": {"any_": ["other"]}})), []),
        (Criteria(task_runs=TaskRunFilter()), ["first"]),
        (Criteria(task_runs=TaskRunFilter.model_validate({"name": {"any_": ["hidden"]}})), []),
        (Criteria(deployments=DeploymentFilter()), []),
    ],
)
async def test_related_objects_must_be_there(
    connection: AsyncConnection[Any], criteria: Criteria, expected: list[str]
) -> None:
    assert await runs(connection, criteria) == expected


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        (Criteria(), ["lonely", "task"]),
        (Criteria(task_runs=TaskRunFilter.model_validate({"flow_run_id": {}})), ["task"]),
        (Criteria(task_runs=TaskRunFilter.model_validate({"flow_run_id": {"is_null_": True}})), ["lonely"]),
        (Criteria(task_runs=TaskRunFilter.model_validate({"flow_run_id": {"is_null_": None}})), ["lonely", "task"]),
        (Criteria(task_runs=TaskRunFilter.model_validate({"subflow_runs": {"exists_": True}})), ["task"]),
        (Criteria(task_runs=TaskRunFilter.model_validate({"subflow_runs": {"exists_": False}})), ["lonely"]),
        (Criteria(task_runs=TaskRunFilter.model_validate({"tags": {"all_": ["x"]}})), ["lonely", "task"]),
        (Criteria(task_runs=TaskRunFilter.model_validate({"start_time": {"is_null_": True}})), []),
        (Criteria(flow_runs=FlowRunFilter()), ["task"]),
        (Criteria(flows=FlowFilter.model_validate({"name": {"like_": "FLO"}})), ["task"]),
    ],
)
async def test_task_runs_are_filtered_and_hidden_ones_are_not_there(
    connection: AsyncConnection[Any], criteria: Criteria, expected: list[str]
) -> None:
    found = await task_runs.TASK_RUNS.find(connection, criteria, task_runs.TaskRunSort.NAME_ASC, 200, 0)
    assert names(found) == expected
    assert await task_runs.TASK_RUNS.count(connection, criteria) == len(expected)
    assert await task_runs.TASK_RUNS.get(connection, HIDDEN) is None


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        (Criteria(), ["flow"]),
        (Criteria(flow_runs=FlowRunFilter(), task_runs=TaskRunFilter()), ["flow"]),
        (
            Criteria(flow_runs=FlowRunFilter.model_validate({"name": {"any_": ["third"]}}), task_runs=TaskRunFilter()),
            [],
        ),
        (Criteria(flows=FlowFilter.model_validate({"deployment": {"is_null_": False}})), []),
    ],
)
async def test_flows_are_filtered(connection: AsyncConnection[Any], criteria: Criteria, expected: list[str]) -> None:
    assert names(await flows.FLOWS.find(connection, criteria, flows.FlowSort.NAME_ASC, 200, 0)) == expected
    assert await flows.FLOWS.count(connection, criteria) == len(expected)


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        (None, ["It Works", "100% done"]),
        ({"level": {"ge_": 30}}, ["100% done"]),
        ({"level": {"le_": 20}}, ["It Works"]),
        ({"timestamp": {"before_": EARLIER.isoformat()}}, ["It Works"]),
        ({"flow_run_id": {"any_": [str(FIRST)]}}, ["It Works"]),
        ({"task_run_id": {"is_null_": True}}, ["It Works"]),
        ({"text": {"query": "works nothing"}}, ["It Works"]),
        ({"text": {"query": "logger -works"}}, ["100% done"]),
        ({"text": {"query": "0%"}}, ["100% done"]),
    ],
)
async def test_log_lines_are_filtered(
    connection: AsyncConnection[Any], filter_: dict[str, Any] | None, expected: list[str]
) -> None:
    wanted = None if filter_ is None else LogFilter.model_validate(filter_)
    page = orjson.loads(await logs.LOGS.find(connection, Criteria(logs=wanted), logs.LogSort.TIMESTAMP_ASC, 200, 0))
    assert [line["message"] for line in page] == expected


@pytest.mark.parametrize(
    ("filter_", "index"),
    [
        ({"tags": {"all_": ["a"]}}, "flow_run_tag_pkey"),
        ({"tags": {"any_": ["a", "b"]}}, "flow_run_tag_pkey"),
        ({"start_time": {"after_": NOW.isoformat()}}, "flow_run_effective_start"),
        ({"expected_start_time": {"after_": NOW.isoformat()}}, "flow_run_expected_start"),
        ({"state": {"type": {"any_": ["FAILED"]}}}, "flow_run_state_type"),
        ({"deployment_id": {"any_": [str(FIRST)]}}, "flow_run_deployment"),
        ({"parent_task_run_id": {"any_": [str(FIRST)]}}, "flow_run_parent"),
    ],
)
async def test_an_index_can_answer(connection: AsyncConnection[Any], filter_: dict[str, Any], index: str) -> None:
    parameters = Parameters(uses_tag_tables=True)
    condition = FlowRunFilter.model_validate(filter_).sql("flow_run", parameters)
    await connection.execute("SET enable_seqscan TO off")
    query = f"EXPLAIN SELECT id FROM flow_run WHERE {condition}"  # noqa: S608  our own text
    plan = await (await connection.execute(query.encode(), parameters.values)).fetchall()
    assert index in str(plan)
