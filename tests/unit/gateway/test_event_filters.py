"""Which events a filter includes."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from antiphon.services.gateway.schemas.event_filters import ObservedEvent, PrefectEventFilter

EVENT = ObservedEvent.model_validate_json(
    orjson.dumps(
        {
            "id": "00000000-0000-4000-8000-000000000001",
            "occurred": "2001-01-01T12:00:00Z",
            "event": "prefect.flow-run.Running",
            "resource": {"prefect.resource.id": "prefect.flow-run.1", "prefect.resource.name": "one"},
            "related": [
                {"prefect.resource.id": "prefect.flow.2", "prefect.resource.role": "flow"},
                {"prefect.resource.id": "prefect.tag.red", "prefect.resource.role": "tag"},
            ],
            "payload": {"intended": {"from": "PENDING"}},
        }
    )
)
DAY = {"since": "2001-01-01T00:00:00Z", "until": "2001-01-02T00:00:00Z"}


@pytest.mark.parametrize(
    ("wanted", "is_included"),
    [
        ({}, True),
        ({"occurred": {"since": "2001-01-01T12:00:00Z", "until": "2001-01-01T12:00:00Z"}}, True),
        ({"occurred": {"since": "2001-01-01T12:00:01Z"}}, False),
        ({"occurred": {"since": "2001-01-01T00:00:00Z", "until": "2001-01-01T11:00:00"}}, False),
        ({"event": {"name": ["prefect.flow-run.Running"]}}, True),
        ({"event": {"name": ["prefect.flow-run"]}}, False),
        ({"event": {"name": []}}, True),
        ({"event": {"prefix": ["x.", "prefect.flow-run."]}}, True),
        ({"event": {"prefix": ["x."]}}, False),
        ({"event": {"exclude_prefix": ["prefect."]}}, False),
        ({"event": {"exclude_name": ["prefect.flow-run.Running"]}}, False),
        ({"event": {"prefix": ["prefect."], "exclude_name": ["other"]}}, True),
        ({"id": {"id": []}}, True),
        ({"id": {"id": ["00000000-0000-4000-8000-000000000001"]}}, True),
        ({"id": {"id": ["00000000-0000-4000-8000-000000000002"]}}, False),
        ({"resource": {"id": ["prefect.flow-run.1"]}}, True),
        ({"resource": {"id": ["prefect.flow.2"]}}, False),
        ({"resource": {"id_prefix": ["prefect.flow-run."]}}, True),
        ({"resource": {"labels": {"prefect.resource.name": "o*"}}}, True),
        ({"resource": {"labels": {"prefect.resource.name": "!o*"}}}, False),
        ({"resource": {"labels": {"prefect.resource.name": ["x", "!two"]}}}, True),
        ({"resource": {"labels": {"missing": "!x"}}}, False),
        ({"resource": {"labels": {"prefect.resource.name": []}}}, False),
        ({"any_resource": {"id": ["prefect.flow.2"]}}, True),
        ({"any_resource": {"id": ["prefect.flow.3"]}}, False),
        ({"any_resource": [{"id": ["prefect.flow.2"]}, {"id_prefix": ["prefect.tag."]}]}, True),
        ({"any_resource": [{"id": ["prefect.flow.2"]}, {"id": ["prefect.flow.3"]}]}, False),
        ({"related": {"id": ["prefect.flow.2"], "role": ["flow"]}}, True),
        ({"related": {"id": ["prefect.flow.2"], "role": ["tag"]}}, False),
        ({"related": {"id": ["prefect.flow-run.1"]}}, False),
        ({"related": {"resources_in_roles": [["prefect.tag.red", "tag"]]}}, True),
        ({"related": {"resources_in_roles": [["prefect.tag.red", "flow"]]}}, False),
        ({"related": [{"role": ["flow"]}, {"role": ["creator"]}]}, False),
        ({"related": {}}, True),
        ({"text": {"query": "PENDING"}}, True),
        ({"text": {"query": "red -running"}}, False),
        ({"text": {"query": "nothing"}}, False),
    ],
)
def test_all_parts_of_a_filter_must_include_an_event(wanted: dict[str, Any], is_included: bool) -> None:  # noqa: FBT001
    assert PrefectEventFilter.model_validate({"occurred": DAY} | wanted).includes(EVENT) is is_included


def test_without_a_time_only_the_past_is_wanted() -> None:
    assert PrefectEventFilter.model_validate({}).occurred.until.tzinfo is not None
    assert not PrefectEventFilter.model_validate({}).includes(EVENT)


@pytest.mark.parametrize(
    "wanted", [{"nope": 1}, {"event": {"nope": 1}}, {"order": "UP"}, {"text": {"query": "x" * 201}}]
)
def test_an_unknown_filter_is_refused(wanted: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PrefectEventFilter.model_validate(wanted)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"id": 5}', b"null"])
def test_what_is_no_event_is_not_read(body: bytes) -> None:
    with pytest.raises(ValidationError):
        ObservedEvent.model_validate_json(body)
