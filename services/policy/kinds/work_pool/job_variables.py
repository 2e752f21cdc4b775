"""Whether job variables fit the base job template of a work pool."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from uuid import UUID

from antiphon.services.prefect.json_schema import first_problem, is_schema, problem

#: The rule that a refusal names.
RULE: Final = "job_variables"


class Complaint(NamedTuple):
    """Why values do not fit a template."""

    reason: str
    #: The template itself, rather than the variables.
    is_about_schema: bool = False


class BlockMissingError(Exception):
    """The default of a variable refers to a block that does not exist."""


def of_pool(template: Mapping[str, Any]) -> Complaint | None:
    """The error in the defaults of a template, if any."""
    schema = template.get("variables")
    if not schema:
        return None
    bad = is_schema(schema)
    if bad is not None:
        return Complaint(bad, is_about_schema=True)
    return _complaint(_defaults(schema), schema, ignore_required=True)


def of_deployment(
    template: Mapping[str, Any], *given: Mapping[str, Any] | None, is_run: bool = False
) -> Complaint | None:
    """The error in variables on top of the defaults, if any; a run needs all required ones."""
    schema = template.get("variables")
    if not schema:
        return None
    bad = is_schema(schema)
    if bad is not None:
        return Complaint(bad, is_about_schema=True)
    defaults = _defaults(schema)
    fitting = {name: value for name, value in defaults.items() if _fits(name, value, schema)}
    variables = fitting
    for layer in given:
        variables = variables | dict(layer or {})
    # A required variable may have an invalid default; the caller cannot repair it.
    return _complaint(variables, schema, ignore_required=not is_run or len(fitting) < len(defaults))


def of_change(template: Mapping[str, Any], variables: Mapping[str, Any]) -> str | None:
    """The error in the variables of a deployment's change, in Prefect's words."""
    schema = template.get("variables")
    return None if schema is None else first_problem(dict(variables), schema)


def _complaint(variables: dict[str, Any], schema: Any, *, ignore_required: bool) -> Complaint | None:
    found = problem(variables, schema, ignore_required=ignore_required, allow_null_defaults=True)
    return None if found is None else Complaint(found)


def _fits(name: str, value: Any, schema: Any) -> bool:
    return problem({name: value}, schema, ignore_required=True, as_written=True) is None


def _defaults(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The defaults of variables; raises BlockMissingError."""
    found = {}
    for name, described in schema.get("properties", {}).items():
        if not isinstance(described, dict) or "default" not in described:
            continue
        default = described["default"]
        if isinstance(default, dict) and "$ref" in default:
            if _names_block(default["$ref"]):
                # Antiphon has no blocks yet.
                raise BlockMissingError
        else:
            found[name] = default
    return found


def _names_block(reference: Any) -> bool:
    return isinstance(reference, dict) and isinstance(reference.get("block_document_id"), str | UUID)
