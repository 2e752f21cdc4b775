"""Filters become conditions with bound values (docs/prefect/queries.md sections 3 and 4)."""

from __future__ import annotations

import re
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from antiphon.projections.filters.conditions import Leaf, Parameters
from antiphon.projections.filters.criteria import Criteria
from antiphon.projections.filters.objects import (
    DeploymentFilter,
    FlowFilter,
    FlowRunFilter,
    LogFilter,
    ObjectFilter,
    TaskRunFilter,
    WorkPoolFilter,
)
from antiphon.projections.filters.text_query import TextQuery, parse


def sql(filter_: dict[str, Any]) -> tuple[str, list[Any]]:
    parameters = Parameters()
    condition = FlowRunFilter.model_validate(filter_).sql("t", parameters)
    return condition, list(parameters.values.values())


@pytest.mark.parametrize(
    ("filter_", "condition", "values"),
    [
        ({}, "TRUE", []),
        ({"name": {}}, "(TRUE)", []),
        ({"name": {"any_": []}}, "((left(t.name, 500) = ANY (%(p0)s::text[])))", [[]]),
        ({"name": {"any_": ["x" * 500]}}, "((t.name = %(p0)s::text))", ["x" * 500]),
        ({"state": {"name": {"any_": ["Late"]}}}, "((left(t.state_name, 500) = %(p0)s::text))", ["Late"]),
        ({"state": {"name": {"any_": ["Failed"]}}}, "((t.state_name = %(p0)s::text))", ["Failed"]),
        ({"name": {"like_": "50%"}}, "((lower(t.name) LIKE lower(%(p0)s::text)))", ["%50%%"]),
        ({"name": {"like_": ""}}, "(TRUE)", []),
        ({"tags": {"is_null_": True}}, "((t.tags = '{}'))", []),
        ({"deployment_id": {"is_null_": False}}, "((t.deployment_id IS NOT NULL))", []),
        ({"state": {"type": {"any_": ["FAILED"]}}}, "((t.state_type = %(p0)s::text))", ["FAILED"]),
        # Both operators in one part: Prefect drops the part.
        ({"state": {"type": {"any_": ["FAILED"], "not_any_": ["RUNNING"]}}}, "(TRUE)", None),
    ],
)
def test_a_filter_is_a_condition(filter_: dict[str, Any], condition: str, values: list[Any] | None) -> None:
    found, bound = sql(filter_)
    assert found == condition
    if values is not None:
        assert bound == values


_SAMPLES: dict[str, Any] = {
    "any_": ["00000000-0000-0000-0000-000000000001"],
    "type": {"any_": ["FAILED"]},
    "name": {"any_": ["x"]},
    "after_": "2026-01-01T00:00:00Z",
    "all_": ["x"],
    "is_null_": True,
    "exists_": True,
    "like_": "x",
    "eq_": True,
    "ge_": 1,
    "query": "x",
    "id_": ["00000000-0000-0000-0000-000000000001"],
}


@pytest.mark.parametrize(
    ("table", "own"),
    [
        ("flow_run", FlowRunFilter),
        ("task_run", TaskRunFilter),
        ("flow", FlowFilter),
        ("deployment", DeploymentFilter),
        ("log", LogFilter),
    ],
)
def test_every_column_that_a_condition_refers_to_is_known(table: str, own: type[ObjectFilter]) -> None:
    for name, field in own.model_fields.items():
        leaf = next(
            (one for one in get_args(field.annotation) if isinstance(one, type) and issubclass(one, Leaf)), None
        )
        for operator in leaf.model_fields if leaf is not None else ():
            if operator not in _SAMPLES:
                continue
            try:
                given = own.model_validate({name: {operator: _SAMPLES[operator]}})
            except ValidationError:
                # Types of states are no ids.
                given = own.model_validate({name: {operator: ["FAILED"]}})
            for criteria in (Criteria().with_own(table, given), Criteria(flows=FlowFilter()).with_own(table, given)):
                parameters = Parameters(uses_tag_tables=True)
                referred = set(re.findall(rf"\b{table}\.(\w+)", criteria.on(table, parameters)))
                assert referred <= criteria.columns(table)


def test_related_objects_are_found_by_columns_that_are_known() -> None:
    everything = Criteria(
        flows=FlowFilter(), task_runs=TaskRunFilter(), deployments=DeploymentFilter(), work_pools=WorkPoolFilter()
    )
    assert everything.columns("flow_run") == {"deployment_id", "work_queue_id", "flow_id", "id"}
    assert Criteria().columns("task_run") == {"awaits_flow_run"}


def test_values_are_bound_and_never_formatted() -> None:
    evil = "'; DROP TABLE flow_run; --"
    condition, values = sql({"name": {"any_": [evil], "like_": evil}, "tags": {"all_": [evil]}})
    assert evil not in condition
    assert values == [evil, f"%{evil}%", [evil]]


def test_or_joins_what_and_would() -> None:
    condition, _ = sql({"operator": "or_", "name": {"any_": ["a"]}, "flow_version": {"any_": ["b"]}})
    assert " OR " in condition


def test_what_prefect_ignores_is_no_alternative() -> None:
    parameters = Parameters()
    filter_ = {"operator": "or_", "concurrency_limit": {"ge_": 1}, "paused": {"eq_": True}}
    assert DeploymentFilter.model_validate(filter_).sql("d", parameters) == "((d.paused = %(p0)s::boolean))"


@pytest.mark.parametrize("tags", [{"any_": []}, {"any_": ["a"]}, {"all_": ["a"]}])
def test_only_tags_of_runs_are_looked_for_apart(tags: dict[str, Any]) -> None:
    for filter_, table, is_apart in ((DeploymentFilter, "deployment", False), (FlowRunFilter, "flow_run", True)):
        for finds in (True, False):
            condition = filter_.model_validate({"tags": tags}).sql(table, Parameters(uses_tag_tables=finds))
            assert (f"{table}_tag" in condition) is (is_apart and finds)


@pytest.mark.parametrize("filter_", [{"colour": {}}, {"name": {"exactly": "x"}}, {"id": {"any_": ["no uuid"]}}])
def test_unknown_fields_and_wrong_values_are_refused(filter_: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        FlowRunFilter.model_validate(filter_)


def test_objects_that_are_present_ask_for_a_related_row() -> None:
    condition = Criteria(flows=FlowFilter(), task_runs=TaskRunFilter()).on("flow_run", Parameters())
    assert condition.count("EXISTS") == 2
    condition = Criteria(deployments=DeploymentFilter()).on("flow_run", Parameters())
    assert "deployment.id = flow_run.deployment_id" in condition


def test_task_runs_that_wait_for_their_flow_run_are_hidden() -> None:
    assert "NOT task_run.awaits_flow_run" in Criteria().on("task_run", Parameters())


def test_the_flow_run_of_a_task_run_is_not_null_by_default() -> None:
    filter_ = TaskRunFilter.model_validate({"flow_run_id": {}})
    assert "flow_run_id IS NOT NULL" in filter_.sql("task_run", Parameters())


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("a b", TextQuery(("a", "b"), (), ())),
        ("-x !y +z", TextQuery((), ("x", "y"), ("z",))),
        ('"a b" -"c \\" d', TextQuery(("a b",), ('c " d',), ())),
        ("- +", TextQuery((), (), ())),
        ("", TextQuery((), (), ())),
    ],
)
def test_text_queries(text: str, query: TextQuery) -> None:
    assert parse(text) == query


def test_a_text_query_searches_message_and_name() -> None:
    parameters = Parameters()
    condition = LogFilter.model_validate({"text": {"query": "Boom -quiet"}}).sql("log", parameters)
    assert "log.message || ' ' || log.name" in condition
    assert list(parameters.values.values()) == ["boom", "quiet"]


def test_the_parts_of_a_text_query_are_alternatives_themselves() -> None:
    searched = {"operator": "or_", "level": {"ge_": 1}, "text": {"query": "a +b -c"}}
    condition = LogFilter.model_validate(searched).sql("log", Parameters())
    assert condition.count(" OR ") == 3
    nothing = {"operator": "or_", "level": {"ge_": 1}, "text": {"query": "- +"}}
    assert "TRUE" not in LogFilter.model_validate(nothing).sql("log", Parameters())
