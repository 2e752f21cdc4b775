"""Which log lines a filter includes."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.projections.filters.objects import LogFilter
from antiphon.services.gateway.schemas.logs import LogLine, includes

RUN = "00000000-0000-4000-8000-000000000001"
LINE = LogLine.model_validate(
    {
        "name": "prefect.flow_runs",
        "level": 30,
        "message": "Hello there",
        "timestamp": "2001-01-01T12:00:00Z",
        "flow_run_id": RUN,
        "task_run_id": None,
    }
)


@pytest.mark.parametrize(
    ("wanted", "is_included"),
    [
        ({}, True),
        ({"level": {"ge_": 30, "le_": 30}}, True),
        ({"level": {"ge_": 31}}, False),
        ({"level": {"le_": 29}}, False),
        ({"timestamp": {"after_": "2001-01-01T12:00:00Z", "before_": "2001-01-01T12:00:00Z"}}, True),
        ({"timestamp": {"after_": "2001-01-01T12:00:01Z"}}, False),
        ({"timestamp": {"before_": "2001-01-01T11:00:00Z"}}, False),
        ({"flow_run_id": {"any_": [RUN]}}, True),
        ({"flow_run_id": {"any_": []}}, False),
        ({"task_run_id": {"any_": [RUN]}}, False),
        ({"task_run_id": {"is_null_": True}}, True),
        ({"task_run_id": {"is_null_": False}}, False),
        ({"text": {"query": "HELLO"}}, True),
        ({"text": {"query": "hello -flow_runs"}}, False),
        ({"text": {"query": "+there"}}, True),
        ({"level": {"ge_": 30}, "flow_run_id": {"any_": []}}, False),
    ],
)
def test_all_parts_of_a_filter_must_include_a_line(wanted: dict[str, Any], is_included: bool) -> None:  # noqa: FBT001
    assert includes(LogFilter.model_validate(wanted), LINE) is is_included
