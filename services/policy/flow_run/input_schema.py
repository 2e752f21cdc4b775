"""Checks the input of a resumed run against the JSON schema that its pause asked for."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
from jsonschema.exceptions import ValidationError
from referencing.exceptions import Unresolvable


def complaint(values: dict[str, Any], schema_text: str) -> str | None:
    """What is wrong with `values`, in Prefect's words, or None."""
    try:
        schema = json.loads(schema_text)
    except json.JSONDecodeError:
        return "Run input schema is not valid JSON."
    if _refers_to_itself(schema, schema, ()):
        return "Invalid schema: Unable to validate schema with circular references."
    try:
        jsonschema.Draft202012Validator(schema).validate(values)
    except ValidationError as error:
        return f"Reason: {_explained(error)}"
    except Unresolvable as error:
        return f"Reason: {error}"
    return None


def _explained(error: ValidationError) -> str:
    if error.validator == "required" and isinstance(error.validator_value, list):
        return f"Validation failed. Failure reason: {error.message}"
    if not error.relative_path:
        return f"Validation failed. Failure reason: {error.message}"
    field = ".".join(str(part) for part in error.relative_path)
    return f"Validation failed for field {field!r}. Failure reason: {error.message}"


def _refers_to_itself(node: Any, root: Any, path: tuple[str, ...]) -> bool:
    """Whether following `$ref`s within the schema comes back to one that is being followed."""
    if isinstance(node, list):
        return any(_refers_to_itself(item, root, path) for item in node)
    if not isinstance(node, dict):
        return False
    reference = node.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/"):
        if reference in path:
            return True
        if _refers_to_itself(_resolved(root, reference), root, (*path, reference)):
            return True
    children = (value for key, value in node.items() if key not in ("$defs", "definitions"))
    return any(_refers_to_itself(child, root, path) for child in children)


def _resolved(root: Any, reference: str) -> Any:
    node = root
    for part in reference[2:].split("/"):
        node = node.get(part) if isinstance(node, dict) else None
    return node
