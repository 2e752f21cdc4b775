"""Checks values against JSON schemas: the input of a resumed run, the parameters of one from a deployment."""

from __future__ import annotations

import json
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError, best_match
from referencing import Registry
from referencing.exceptions import Unresolvable

#: How complaints about a schema itself begin.
BAD_SCHEMA: Final = "Invalid schema:"
#: Said of a schema that refers to itself without end.
CIRCULAR: Final = f"{BAD_SCHEMA} Unable to validate schema with circular references."


def complaint(values: dict[str, Any], schema_text: str) -> str | None:
    """What is wrong with the input of a resumed run, in Prefect's words, or None."""
    try:
        schema = json.loads(schema_text)
    except json.JSONDecodeError:
        return "Run input schema is not valid JSON."
    found = problem(values, schema)
    return found if found is None or found.startswith(BAD_SCHEMA) else f"Reason: {found}"


def problem(values: dict[str, Any], schema: Any, *, ignore_required: bool = False) -> str | None:
    """What is wrong with values of a schema, or with the schema, or None."""
    try:
        meant = _as_pydantic_means_it(schema)
        if ignore_required:
            meant = _without_required(meant)
        Draft202012Validator.check_schema(meant)
        # An empty registry: by default the validator fetches remote references over the network.
        validator = Draft202012Validator(meant, registry=Registry())
        error = best_match(validator.iter_errors(values))
    except SchemaError as why:
        return f"{BAD_SCHEMA} {why.message}"
    except RecursionError:
        return CIRCULAR
    except Unresolvable as why:
        return f"Validation failed. Failure reason: {why}"
    return None if error is None else _explained(error)


def _without_required(schema: Any) -> Any:
    """The schema as it is for values of which some are still to come."""
    if isinstance(schema, dict):
        return {key: _without_required(value) for key, value in schema.items() if key != "required"}
    return [_without_required(item) for item in schema] if isinstance(schema, list) else schema


def _explained(error: ValidationError) -> str:
    path = error.json_path
    where = "" if path == "$" else f" for field {path.replace('$.', '')!r}"
    return f"Validation failed{where}. Failure reason: {error.message}"


def _as_pydantic_means_it(schema: Any) -> Any:
    """Pydantic 1 wrote schemas that leave out that an optional field may be null, and lists for tuples."""
    meant = _with_nulls(schema)
    if isinstance(meant, dict) and isinstance(meant.get("definitions"), dict):
        return meant | {"definitions": {name: _with_nulls(kind) for name, kind in meant["definitions"].items()}}
    return meant


def _with_nulls(schema: Any) -> Any:
    """The schema of an object, its fields as they were meant."""
    if not isinstance(schema, dict) or not isinstance(schema.get("properties"), dict):
        return schema
    required = schema.get("required")
    required = required if isinstance(required, list) else ()
    fields = {name: _field(field, is_required=name in required) for name, field in schema["properties"].items()}
    return schema | {"properties": fields}


def _field(field: Any, *, is_required: bool) -> Any:
    if not isinstance(field, dict):
        return field
    meant = dict(_with_nulls(field))
    if not is_required and "default" not in meant and meant.get("type", "null") != "null":
        meant["anyOf"] = [{"type": meant.pop("type")}, {"type": "null"}]
    if isinstance(meant.get("items"), list) and "prefixItems" not in meant:
        meant["prefixItems"] = meant.pop("items")
    return meant
