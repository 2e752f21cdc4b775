"""JSON Schemas of the bodies of commands, events and outcomes, for programs in any language."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from antiphon.events.codec import COMMAND_TYPES, EVENT_TYPES
from antiphon.events.outcome import Outcome

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
OUTCOME: Final = "outcome"


@cache
def by_name() -> Mapping[str, Mapping[str, Any]]:
    """The schemas by `cmd.<kind>.<verb>`, `evt.<kind>.<action>`, and `outcome`; each is whole in itself."""
    commands = {f"cmd.{kind}.{verb}": command.model_json_schema() for (kind, verb), command in COMMAND_TYPES.items()}
    read = {f"evt.{name}": event.model_json_schema(mode="serialization") for name, event in EVENT_TYPES.items()}
    read[OUTCOME] = Outcome.model_json_schema(mode="serialization")
    for schema in read.values():
        open_to_new_fields(schema)
    return {name: {"$schema": _DIALECT} | schema for name, schema in sorted((commands | read).items())}


def open_to_new_fields(schema: Any) -> None:
    """Let readers of the objects in a schema survive a later version with more fields. Commands stay closed."""
    parts = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    if isinstance(schema, dict) and schema.get("additionalProperties") is False:
        del schema["additionalProperties"]
    for part in parts:
        open_to_new_fields(part)
