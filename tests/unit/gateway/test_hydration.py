"""What objects with `__prefect_kind` mean; most of it is compared with the genuine server (tests/acceptance/cases)."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import HTTPException
from fastapi.exceptions import RequestValidationError

from antiphon.services.gateway.http.body_parsing import refuse_unkeepable
from antiphon.services.gateway.routes.prefect.ui import as_tree
from antiphon.services.prefect.json_schema import Misfit
from antiphon.services.prefect.placeholders import HydrationError, hydrate


def _json(text: str) -> dict[str, Any]:
    return {"__prefect_kind": "json", "value": text}


def _jinja(template: str) -> dict[str, Any]:
    return {"__prefect_kind": "jinja", "template": template}


@pytest.mark.parametrize("text", ['"\\ud800"', '{"\\ud800": 1}', "NaN", "[1e999]", "[" * 300 + "]" * 300])
def test_what_could_not_be_said_can_not_be_made(text: str) -> None:
    made = hydrate({"x": _json(text)}, {})
    with pytest.raises((RequestValidationError, HTTPException)):
        refuse_unkeepable(made)


def test_what_can_be_kept_is_not_refused() -> None:
    refuse_unkeepable(hydrate({"x": _json('["\\u00fc", {"a": 1.5}]'), "y": _jinja("{{ 1 }}")}, {}))


@pytest.mark.parametrize("text", ["[" * 100_000, "1" * 5000])
def test_json_that_python_does_not_read_is_told(text: str) -> None:
    with pytest.raises(HydrationError, match="Invalid JSON"):
        hydrate({"x": _json(text)}, {})


@pytest.mark.parametrize(
    "template",
    [
        "{{ range(10**9) | list }}",
        "{{ 'x' * 2000000 }}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{{ " + "(" * 500 + "1" + ")" * 500 + " }}",
        "{{ {} | attr('__class__') }}{{ undefined_function() }}",
    ],
)
def test_whatever_a_template_ends_with_is_told(template: str) -> None:
    with pytest.raises(HydrationError, match="Invalid jinja"):
        hydrate({"x": _jinja(template)}, {})


def test_errors_stand_where_they_belong() -> None:
    found = [
        Misfit((), "whole"),
        Misfit(("a", 0), "first"),
        Misfit(("a", 0, "b"), "within"),
        Misfit(("a", 1), "second"),
        Misfit(("a",), "itself"),
    ]
    within = {"property": "b", "errors": ["within"]}
    first, second = {"index": 0, "errors": ["first", within]}, {"index": 1, "errors": ["second"]}
    above = {"property": "a", "errors": [first, second]}
    assert as_tree(found) == ["whole", above, {"property": "a", "errors": ["itself"]}]
