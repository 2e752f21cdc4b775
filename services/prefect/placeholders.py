"""Computes the values that placeholder objects stand for: JSON texts, templates, variables (docs/adr/0014)."""

from __future__ import annotations

import json
import resource
from collections.abc import Mapping
from math import ceil
from time import process_time
from typing import Any, Final

from antiphon.services.prefect import templates
from antiphon.services.prefect.prefect_kind import KIND, Invalid, Unrendered
from antiphon.services.prefect.templates import BadTemplateError

#: Marks a value that is left out of the object or list around it.
_NOTHING: Final = object()
#: What the values of one object may cost; templates are programs.
CPU_SECONDS: Final = 2
_MEMORY_BYTES: Final = 1 << 30


class HydrationError(Exception):
    """A value cannot be computed; the message gives the reason in Prefect's words."""


def hydrate(given: dict[str, Any], variables: Mapping[str, Any]) -> Any:
    """The value of a JSON object, given the values of all variables; raises HydrationError."""
    return _Hydration(variables, is_preview=False).value(given)


def hydrate_in_bounds(given: dict[str, Any], variables: Mapping[str, Any]) -> Any:
    """The same in a process for nothing else: the kernel ends it when the templates take too much CPU time."""
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (ceil(process_time()) + CPU_SECONDS, most))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, resource.getrlimit(resource.RLIMIT_AS)[1]))
    return hydrate(given, variables)


def preview(given: dict[str, Any], variables: Mapping[str, Any]) -> Any:
    """The value of a JSON object without rendering templates: they become Unrendered, and errors become Invalid."""
    return _Hydration(variables, is_preview=True).value(given)


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
