"""Replaces placeholder objects by their values: JSON texts, templates, variables (docs/adr/0014)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import HTTPConnection

from antiphon.projections.variable import queries
from antiphon.services.gateway.context import reading
from antiphon.services.gateway.http.body_parsing import refuse_unkeepable
from antiphon.services.prefect import templates
from antiphon.services.prefect.prefect_kind import KIND, Invalid, Unrendered, is_dehydrated
from antiphon.services.prefect.templates import BadTemplateError

#: Marks a value that is left out of the object or list around it.
_NOTHING: Final = object()


class HydrationError(Exception):
    """A value cannot be computed; the message gives the reason in Prefect's words."""


async def hydrated(request: HTTPConnection, given: dict[str, Any]) -> Any:
    """The value of a JSON object after hydration, usually an object too; raises HydrationError."""
    if not is_dehydrated(given):
        return given
    made = hydrate(given, await _variables(request))
    refuse_unkeepable(made)
    return made


async def hydrated_object(request: HTTPConnection, given: dict[str, Any]) -> dict[str, Any]:
    """The same, for a value that must be an object."""
    made = await hydrated(request, given)
    if not isinstance(made, dict):
        msg = f"{made!r} is not an object."
        raise HydrationError(msg)
    return made


async def hydrated_input(request: HTTPConnection, given: dict[str, Any] | None) -> dict[str, Any]:
    """The fields of ResumeFlowRun for an input: its value, or the reason why it has none."""
    try:
        return {"run_input": None if given is None else await hydrated(request, given)}
    except HydrationError as error:
        return {"input_error": f"Error hydrating run input: {error}"}


async def previewed(request: HTTPConnection, given: dict[str, Any]) -> Any:
    """The value of a JSON object without rendering templates: they become Unrendered, and errors become Invalid."""
    return _Hydration(await _variables(request), is_preview=True).value(given)


def hydrate(given: dict[str, Any], variables: Mapping[str, Any]) -> Any:
    """The value of a JSON object, given the values of all variables; raises HydrationError."""
    return _Hydration(variables, is_preview=False).value(given)


async def _variables(request: HTTPConnection) -> dict[str, Any]:
    async with reading(request) as connection:
        return await queries.values(connection)


class _Hydration:
    def __init__(self, variables: Mapping[str, Any], *, is_preview: bool) -> None:
        self._variables = variables
        self._is_preview = is_preview

    def value(self, given: dict[str, Any]) -> Any:
        made = self._hydrate(given)
        return {} if made is _NOTHING else made

    def _hydrate(self, value: Any) -> Any:
        if isinstance(value, dict):
            if KIND in value:
                return self._hydrate_object(value)
            items = ((name, self._hydrate(item)) for name, item in value.items())
            return {name: item for name, item in items if item is not _NOTHING}
        if isinstance(value, list):
            return [item for item in map(self._hydrate, value) if item is not _NOTHING]
        return value

    def _hydrate_object(self, value: dict[str, Any]) -> Any:
        match value:
            case {"__prefect_kind": "none", "value": within}:
                return self._hydrate(within)
            case {"__prefect_kind": "json", "value": text}:
                return self._parsed(self._inner(text))
            case {"__prefect_kind": "jinja", "template": template}:
                return self._rendered(self._inner(template))
            case {"__prefect_kind": "workspace_variable", "variable_name": name}:
                return self._variable(self._inner(name))
            case {"__prefect_kind": "json" | "workspace_variable"}:
                return _NOTHING
            case {"__prefect_kind": "none" | "jinja" as kind}:
                key = "value" if kind == "none" else "template"
                return self._invalid(f"Missing '{key}' key in __prefect object")
            case _:
                return value.get("value")

    def _inner(self, value: Any) -> Any:
        """The value of a part of a placeholder object; the part may be another such object."""
        return self._hydrate(value) if isinstance(value, dict) else value

    def _invalid(self, reason: str) -> Invalid:
        if not self._is_preview:
            raise HydrationError(reason)
        return Invalid(reason)

    def _parsed(self, text: Any) -> Any:
        if not isinstance(text, str):
            return text
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            return self._invalid(f"Invalid JSON: {error}")

    def _rendered(self, template: Any) -> Any:
        if template is _NOTHING or isinstance(template, Unrendered | Invalid):
            return template
        if not (isinstance(template, str) or self._is_preview):
            return self._invalid(f"Invalid jinja: {template!r} is not a text.")
        try:
            templates.check(str(template))
            return Unrendered(template) if self._is_preview else templates.rendered(template)
        except BadTemplateError as error:
            return self._invalid(f"Invalid jinja: {error}")

    def _variable(self, name: Any) -> Any:
        if name is _NOTHING or isinstance(name, Unrendered | Invalid):
            return name
        if isinstance(name, str) and name in self._variables:
            return self._variables[name]
        return self._invalid(f"Variable '{name}' not found in workspace.")
