"""Validates values against JSON schemas: the input of a resumed run, the parameters of a deployment's run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import SchemaError, ValidationError, best_match
from jsonschema.validators import create
from referencing import Registry
from referencing.exceptions import Unresolvable

from antiphon.services.prefect.prefect_kind import Invalid, Unrendered

#: The beginning of complaints about a schema itself.
BAD_SCHEMA: Final = "Invalid schema:"
#: The complaint about a schema that refers to itself without end.
CIRCULAR: Final = f"{BAD_SCHEMA} Unable to validate schema with circular references."


class BadSchemaError(Exception):
    """The schema is invalid; the message gives the reason."""


def complaint(values: Any, schema_text: str) -> str | None:
    """The complaint about the input of a resumed run, in Prefect's words, or None."""
    try:
        schema = json.loads(schema_text)
    except json.JSONDecodeError:
        return "Run input schema is not valid JSON."
    found = problem(values, schema)
    return found if found is None or found.startswith(BAD_SCHEMA) else f"Reason: {found}"


def problem(
    values: Any,
    schema: Any,
    *,
    ignore_required: bool = False,
    as_written: bool = False,
    allow_null_defaults: bool = False,
) -> str | None:
    """The complaint about values or about their schema, or None.

    An optional field may be null, unless the schema is taken `as_written`; one with a default only with
    `allow_null_defaults`.
    """
    try:
        meant = schema if as_written else _as_pydantic_means_it(schema, allow_null_defaults=allow_null_defaults)
        if ignore_required:
            meant = _without_required(meant)
        Draft202012Validator.check_schema(meant)
        error = best_match(_validator(meant).iter_errors(values))
    except SchemaError as why:
        return f"{BAD_SCHEMA} {why.message}"
    except RecursionError:
        return CIRCULAR
    except Unresolvable as why:
        return f"Validation failed. Failure reason: {why}"
    return None if error is None else _explained(error)


def first_problem(values: dict[str, Any], schema: Any) -> str | None:
    """The first error in incomplete values, as Python prints it."""
    try:
        meant = _without_required(_as_pydantic_means_it(schema))
        error = next(_validator(meant).iter_errors(values), None)
    except RecursionError:
        return CIRCULAR
    except Unresolvable as why:
        return f"Validation failed. Failure reason: {why}"
    return None if error is None else f"<ValidationError: {error.message!r}>"


@dataclass(frozen=True, slots=True)
class Misfit:
    """An error in values, and its place."""

    path: tuple[str | int, ...]
    message: str


def misfits(values: Any, schema: Any) -> list[Misfit]:
    """All errors in values, in the order of the schema; the values may contain placeholders.

    Raises BadSchemaError.
    """
    meant = _as_pydantic_means_it(schema)
    reason = is_schema(meant)
    if reason is not None:
        raise BadSchemaError(reason)
    try:
        errors = list(_WithPlaceholders(meant, registry=Registry(), format_checker=_FORMATS).iter_errors(values))
    except RecursionError as error:
        raise BadSchemaError(CIRCULAR) from error
    except Unresolvable as why:
        msg = f"{BAD_SCHEMA} Validation failed. Failure reason: {why}"
        raise BadSchemaError(msg) from why
    invalid = {tuple(error.relative_path) for error in errors if error.validator == _INVALID}
    return [
        Misfit(_place(error), error.message)
        for error in errors
        if not isinstance(error.instance, Unrendered)
        and (error.validator == _INVALID or tuple(error.relative_path) not in invalid)
    ]


def _place(error: ValidationError) -> tuple[str | int, ...]:
    path = tuple(error.relative_path)
    # The error about a missing value gets the place of the value.
    return (*path, error.message.partition(" ")[0].strip("'")) if error.validator == "required" else path


def _placeholder_errors(_: Any, __: Any, instance: Any, ___: Any) -> Iterator[ValidationError]:
    if isinstance(instance, Invalid):
        yield ValidationError(instance.reason)


def _keywords(schema: Any) -> list[tuple[str, Any]]:
    return [*schema.items(), (_INVALID, None)]


#: A keyword that this validator adds to every schema.
_INVALID: Final = "_placeholders"
#: The formats that Prefect checks, whatever else is installed.
_FORMATS: Final = FormatChecker(
    [
        *("date", "date-time", "email", "idn-email", "idn-hostname", "ipv4", "ipv6"),
        *("json-pointer", "regex", "relative-json-pointer", "time", "uuid"),
    ]
)
_WithPlaceholders: Final = create(
    meta_schema=Draft202012Validator.META_SCHEMA,
    validators={**Draft202012Validator.VALIDATORS, _INVALID: _placeholder_errors},
    format_checker=_FORMATS,
    id_of=lambda schema: Draft202012Validator.ID_OF(schema) or "",
    applicable_validators=_keywords,
)


def is_schema(schema: Any) -> str | None:
    """The complaint about a schema itself, or None."""
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as why:
        return f"{BAD_SCHEMA} {why.message}"
    return None if isinstance(schema, dict) else f"{BAD_SCHEMA} it is no object"


def _validator(schema: Any) -> Draft202012Validator:
    # With the default registry the validator would fetch remote references over the network.
    return Draft202012Validator(schema, registry=Registry())


def _without_required(schema: Any) -> Any:
    """The schema for incomplete values."""
    if isinstance(schema, dict):
        return {key: _without_required(value) for key, value in schema.items() if key != "required"}
    return [_without_required(item) for item in schema] if isinstance(schema, list) else schema


def _explained(error: ValidationError) -> str:
    path = error.json_path
    where = "" if path == "$" else f" for field {path.replace('$.', '')!r}"
    return f"Validation failed{where}. Failure reason: {error.message}"


def _as_pydantic_means_it(schema: Any, *, allow_null_defaults: bool = False) -> Any:
    """Pydantic 1 wrote optional fields without null, and tuples as lists: translate both."""
    meant = _with_nulls(schema, allow_null_defaults=allow_null_defaults)
    if isinstance(meant, dict) and isinstance(meant.get("definitions"), dict):
        definitions = {
            name: _with_nulls(kind, allow_null_defaults=allow_null_defaults)
            for name, kind in meant["definitions"].items()
        }
        return meant | {"definitions": definitions}
    return meant


def _with_nulls(schema: Any, *, allow_null_defaults: bool) -> Any:
    """The schema of an object with translated fields."""
    if not isinstance(schema, dict) or not isinstance(schema.get("properties"), dict):
        return schema
    required = schema.get("required")
    required = required if isinstance(required, list) else ()
    fields = {
        name: _field(field, is_required=name in required, allow_null_defaults=allow_null_defaults)
        for name, field in schema["properties"].items()
    }
    return schema | {"properties": fields}


def _field(field: Any, *, is_required: bool, allow_null_defaults: bool) -> Any:
    if not isinstance(field, dict):
        return field
    meant = dict(_with_nulls(field, allow_null_defaults=allow_null_defaults))
    has_default = "default" in meant and not allow_null_defaults
    if not is_required and not has_default and meant.get("type", "null") != "null":
        meant["anyOf"] = [{"type": meant.pop("type")}, {"type": "null"}]
    if isinstance(meant.get("items"), list) and "prefixItems" not in meant:
        meant["prefixItems"] = meant.pop("items")
    return meant
