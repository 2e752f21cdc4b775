"""The AsyncAPI document describes what is really sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from antiphon.events import codec
from antiphon.events.message import Command, Event, Metadata
from antiphon.events.outcome import Outcome, Status
from antiphon.events.projection_messages import PROJECTION_MESSAGES, Heal, Hurry, Yield
from antiphon.services.gateway.docs_pages.asyncapi import specification
from tests.examples import COMMAND_ID, FLOW, NOW, set_state
from tests.golden import EXAMPLES

DOCUMENT: dict[str, Any] = json.loads(specification().to_json())
WHOLE = Metadata(
    command_id=COMMAND_ID,
    occurred_at=NOW,
    correlation_id=uuid4(),
    causation_id="cause",
    actor="me",
    traceparent="00-1",
    command_digest="7d",
)
BARE = Metadata(command_id=COMMAND_ID, occurred_at=NOW)


def resolved(reference: dict[str, str]) -> dict[str, Any]:
    """What a reference in the document points to."""
    found: Any = DOCUMENT
    for step in reference["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    assert isinstance(found, dict)
    return found


def references(value: Any) -> Iterator[dict[str, str]]:
    """All references within a value."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def message_of(channel: str) -> dict[str, Any]:
    """The one message of a channel."""
    (message,) = DOCUMENT["channels"][channel]["messages"].values()
    return resolved(message)


def validate(schema: dict[str, str], value: Any) -> None:
    """Raise where a value is not what the document says."""
    Draft202012Validator({**schema, "components": DOCUMENT["components"]}).validate(value)


def test_every_command_and_event_has_a_channel() -> None:
    commands = {f"{kind}.{verb}": f"cmd.{kind}.{{id}}.{verb}" for kind, verb in codec.COMMAND_TYPES}
    commands |= {f"ask.{kind}.{verb}": f"ask.{kind}.{{id}}.{verb}" for kind, verb in codec.COMMAND_TYPES}
    observed = {f"obs.{kind}": f"obs.{kind}.{{id}}" for kind in ("flow_run", "task_run", "other", "log", "presence")}
    events = {}
    for name, event in codec.EVENT_TYPES.items():
        kind, action = name.split(".", 1)
        events[f"{name}.v{event.VERSION}"] = f"evt.{kind}.{{id}}.{action}"
    addresses = {name: channel["address"] for name, channel in DOCUMENT["channels"].items()}
    requests = {f"projection.{verb}": f"projection.{{projection}}.{verb}" for verb in PROJECTION_MESSAGES}
    sent = {"outcome": "{inbox}", "projection.committed": "projection.{projection}.committed"}
    assert addresses == commands | events | observed | requests | sent
    actions = {name: operation["action"] for name, operation in DOCUMENT["operations"].items()}
    assert actions == dict.fromkeys((*commands, *requests), "receive") | dict.fromkeys(
        (*events, *observed, *sent), "send"
    )
    assert all(channel["description"] for channel in DOCUMENT["channels"].values())


def test_every_reference_leads_somewhere() -> None:
    found = list(references(DOCUMENT))
    assert len(found) > 100
    for reference in found:
        assert resolved(reference)


def test_a_command_is_answered_with_an_outcome() -> None:
    for kind, verb in codec.COMMAND_TYPES:
        for name in (f"{kind}.{verb}", f"ask.{kind}.{verb}"):
            reply = DOCUMENT["operations"][name]["reply"]
            assert reply["channel"] == {"$ref": "#/channels/outcome"}
    outcome = Outcome(status=Status.CREATED, aggregate_id=FLOW.id, command_id=COMMAND_ID, position=5)
    validate(message_of("outcome")["payload"], json.loads(outcome.model_dump_json()))


@pytest.mark.parametrize("event", EXAMPLES.values(), ids=lambda event: event.TYPE)
def test_an_event_is_what_the_document_says(event: Event) -> None:
    message = message_of(f"{event.TYPE}.v{event.VERSION}")
    validate(message["payload"], json.loads(codec.encode(event)))
    described = resolved(message["headers"])
    assert set(codec.event_headers(FLOW, event, WHOLE, 0)) == set(described["properties"])
    assert set(codec.event_headers(FLOW, event, BARE, 0)) == set(described["required"])


def test_a_command_is_what_the_document_says() -> None:
    command: Command = set_state("RUNNING")
    message = message_of("flow_run.set_state")
    validate(message["payload"], json.loads(codec.encode(command)))
    described = resolved(message["headers"])
    of_others = {"Antiphon-If-Position", "Antiphon-Reply-To", "Antiphon-With-Events", "Nats-Msg-Id"}
    assert set(codec.command_headers(WHOLE)) | of_others == set(described["properties"])
    assert "required" not in described


@pytest.mark.parametrize("message", [Hurry(position=5), Heal(event_stream="evt.flow.1"), Yield()])
def test_a_message_to_a_projection_is_what_the_document_says(message: BaseModel) -> None:
    channel = f"projection.{type(message).__name__.lower()}"
    validate(message_of(channel)["payload"], json.loads(message.model_dump_json()))


def test_the_examples_have_all_the_metadata_there_is() -> None:
    assert None not in WHOLE
