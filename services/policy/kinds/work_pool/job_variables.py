"""Whether job variables fit the base job template of a work pool."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from antiphon.events.outcome import Status
from antiphon.services.policy.engine.refusals import RefusedError
from antiphon.services.prefect.json_schema import is_schema, problem

#: The rule that a refusal names.
RULE: Final = "job_variables"
_BAD_DEFAULTS: Final = "Validation failed for work pool's job variable defaults: {}"


def check_defaults(template: Mapping[str, Any]) -> None:
    """Refuse a template whose defaults do not fit it."""
    schema = _schema(template)
    if schema:
        _refuse(_problem(_defaults(schema), schema), _BAD_DEFAULTS)


def check(template: Mapping[str, Any], *given: Mapping[str, Any] | None, doing: str, is_run: bool = False) -> None:
    """Refuse variables that do not fit on top of the defaults; a run needs all required ones."""
    schema = _schema(template)
    if not schema:
        return
    defaults = _defaults(schema)
    fitting = {name: value for name, value in defaults.items() if _fits(name, value, schema)}
    variables = fitting
    for layer in given:
        variables = variables | dict(layer or {})
    # A required variable may have an invalid default; the caller cannot repair it.
    _refuse(_problem(variables, schema, ignore_required=not is_run or len(fitting) < len(defaults)), doing)


def _schema(template: Mapping[str, Any]) -> Any:
    """The schema of the variables, if any."""
    schema = template.get("variables")
    if schema:
        _refuse(is_schema(schema), "{}")
    return schema


def _refuse(complaint: str | None, doing: str) -> None:
    if complaint is not None:
        raise RefusedError(Status.CONFLICT, doing.format(complaint), rule=RULE)


def _problem(variables: dict[str, Any], schema: Any, *, ignore_required: bool = True) -> str | None:
    return problem(variables, schema, ignore_required=ignore_required, allow_null_defaults=True)


def _fits(name: str, value: Any, schema: Any) -> bool:
    return problem({name: value}, schema, ignore_required=True, as_written=True) is None


def _defaults(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The defaults of variables."""
    found = {}
    for name, described in schema.get("properties", {}).items():
        if not isinstance(described, dict) or "default" not in described:
            continue
        default = described["default"]
        if isinstance(default, dict) and "$ref" in default:
            if _names_block(default["$ref"]):
                # Antiphon has no blocks yet.
                raise RefusedError(Status.NOT_FOUND, "Block not found.")
        else:
            found[name] = default
    return found


def _names_block(reference: Any) -> bool:
    return isinstance(reference, dict) and isinstance(reference.get("block_document_id"), str | UUID)
