"""The JSON Schemas that programs in other languages read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from antiphon.events import codec
from antiphon.events.message import Event
from antiphon.services.gateway.docs_pages import schemas
from tests.examples import set_state
from tests.golden import EXAMPLES


def validate(name: str, value: Any) -> None:
    """Raise ValidationError where a value is not what the schema of this name says."""
    schema = dict(schemas.by_name()[name])
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(value)


def test_there_is_one_of_every_body() -> None:
    commands = {f"cmd.{kind}.{verb}" for kind, verb in codec.COMMAND_TYPES}
    assert set(schemas.by_name()) == commands | {f"evt.{name}" for name in codec.EVENT_TYPES} | {schemas.OUTCOME}


@pytest.mark.parametrize("event", EXAMPLES.values(), ids=lambda event: event.TYPE)
def test_a_reader_of_events_survives_a_new_field(event: Event) -> None:
    body = json.loads(codec.encode(event))
    validate(f"evt.{event.TYPE}", body)
    validate(f"evt.{event.TYPE}", body | {"of_a_later_version": 1})


def test_a_command_with_an_unknown_field_is_none() -> None:
    body = json.loads(codec.encode(set_state("RUNNING")))
    validate("cmd.flow_run.set_state", body)
    with pytest.raises(ValidationError):
        validate("cmd.flow_run.set_state", body | {"unknown": 1})
