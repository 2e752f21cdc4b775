"""Messages to bytes and back: what is kept, what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.events import codec, subjects
from antiphon.events.codec import COMMAND_TYPES, EVENT_TYPES
from antiphon.events.errors import UndecodableError
from antiphon.events.flow_run.commands import CreateFlowRun, SetFlowRunState, UpdateFlowRun
from antiphon.events.flow_run.events import FlowRunChanges
from antiphon.events.message import Metadata
from antiphon.events.state import State
from antiphon.events.task_run.events import TaskRunPolicy
from tests.examples import COMMAND_ID, FLOW_ID, METADATA, NOW, RUN, STATE_ID, proposed, state
from tests.golden import example

FULL = Metadata(
    command_id=COMMAND_ID,
    occurred_at=NOW,
    correlation_id=STATE_ID,
    causation_id="cause",
    actor="somebody",
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    command_digest="69217a3079908094",
)


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
def test_an_event_is_the_same_after_it_was_stored(name: str) -> None:
    kind, _, action = name.partition(".")
    event = example(name)
    again = codec.decode_event(RUN._replace(kind=kind), action, event.VERSION, codec.encode(event))
    assert again == event
    assert codec.encode(again) == codec.encode(event)


def test_every_command_is_found_by_its_kind_and_verb() -> None:
    assert all(key == (command.KIND, command.VERB) for key, command in COMMAND_TYPES.items())


def test_what_was_not_set_is_not_sent() -> None:
    command = UpdateFlowRun(changes=FlowRunChanges(name=None))
    again = codec.decode_command(RUN, "update", codec.encode(command))
    assert isinstance(again, UpdateFlowRun)
    assert again.changes.model_fields_set == {"name"}


#: A command is read without NUL characters, and JSON from outside cannot contain half a surrogate pair.
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(data=JSON)
def test_whatever_json_a_state_carries_comes_back(data: Any) -> None:
    body = codec.encode(SetFlowRunState(state=proposed("COMPLETED", data=data)))
    again = codec.decode_command(RUN, "set_state", body)
    assert isinstance(again, SetFlowRunState)
    assert again.state.data == data


@pytest.mark.parametrize("delay", [5, 2.5, (1, 2), (1.5, 2), (), None])
def test_a_delay_keeps_its_type(delay: Any) -> None:
    again = TaskRunPolicy.model_validate_json(TaskRunPolicy(retry_delay=delay).model_dump_json())
    assert (again.retry_delay, type(again.retry_delay)) == (delay, type(delay))


def test_a_time_without_a_zone_is_utc() -> None:
    naive = datetime(2026, 1, 2, 3, 4)  # noqa: DTZ001  this is what is tested
    assert proposed("SCHEDULED", scheduled_time=naive).state_details.scheduled_time == naive.replace(tzinfo=UTC)
    assert state("PENDING", at=naive).timestamp < NOW
    body = b'{"id":"%b","type":"PENDING","name":"x","timestamp":"2026-01-02T03:04:00"}' % str(STATE_ID).encode()
    assert State.model_validate_json(body).timestamp == naive.replace(tzinfo=UTC)


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+10:00", "9999-12-31T23:00:00-10:00"])
def test_a_time_that_utc_cannot_express_is_refused(moment: str) -> None:
    body = b'{"id":"%b","type":"PENDING","name":"x","timestamp":"%b"}' % (str(STATE_ID).encode(), moment.encode())
    with pytest.raises(ValueError, match="within the years 1 to 9999"):
        State.model_validate_json(body)


def test_a_time_with_a_zone_keeps_it() -> None:
    there = datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    kept = proposed("SCHEDULED", scheduled_time=there).state_details.scheduled_time
    assert kept is not None
    assert kept.isoformat() == there.isoformat()


@pytest.mark.parametrize(
    ("kind", "verb", "body", "why"),
    [
        ("colour", "create", b"{}", "there is no command 'create' for 'colour'"),
        ("flow_run", "paint", b"{}", "there is no command 'paint'"),
        ("flow_run", "create", b"[]", "the body is not a CreateFlowRun"),
        ("flow_run", "create", b"{}", "flow_id: Field required"),
        ("flow_run", "create", b'{"flow_id":"%b","x":1}' % str(FLOW_ID).encode(), "x: Extra inputs are not permitted"),
        ("flow_run", "set_state", b'{"state":{"type":"GONE"}}', "state.type"),
        ("flow_run", "delete", b'{"a":"\xff"}', "the body is not a DeleteFlowRun"),
    ],
)
def test_a_command_that_is_none_says_what_is_wrong(kind: str, verb: str, body: bytes, why: str) -> None:
    with pytest.raises(UndecodableError) as raised:
        codec.decode_command(RUN._replace(kind=kind), verb, body)
    assert why in str(raised.value)


@pytest.mark.parametrize(
    ("action", "version", "body", "why"),
    [
        ("painted", 1, b"{}", "there is no event type 'flow_run.painted'"),
        ("updated", 1, b"{}", "the body is not a flow_run.updated of version 1"),
        ("updated", 2, b"{}", "flow_run.updated has version 2; this code knows 1: upgrade it"),
        ("updated", 0, b"{}", "nothing brings flow_run.updated from version 0 to 1"),
        ("updated", 0, b"{", "the body is not a flow_run.updated of version 0"),
    ],
)
def test_an_event_that_is_none_says_what_is_wrong(action: str, version: int, body: bytes, why: str) -> None:
    with pytest.raises(UndecodableError) as raised:
        codec.decode_event(RUN, action, version, body)
    assert why in str(raised.value)


@pytest.mark.parametrize("metadata", [METADATA, FULL])
def test_metadata_survives_the_headers(metadata: Metadata) -> None:
    headers = codec.command_headers(metadata)
    assert codec.metadata_of(headers, headers[subjects.OCCURRED_AT]) == metadata
    stored = codec.event_headers(RUN, example("flow_run.deleted"), metadata, 3)
    assert codec.metadata_of(stored, stored["ce-time"]) == metadata


def test_an_event_is_a_cloud_event() -> None:
    headers = codec.event_headers(RUN, example("flow_run.deleted"), METADATA, 3)
    assert {name: value for name, value in headers.items() if name.startswith("ce-")} == {
        "ce-specversion": "1.0",
        "ce-id": f"{COMMAND_ID}.3",
        "ce-type": "flow_run.deleted",
        "ce-source": f"/antiphon/flow_run/{RUN.id}",
        "ce-time": NOW.isoformat(),
    }


def test_a_sender_cannot_write_further_headers() -> None:
    sly = Metadata(command_id=COMMAND_ID, occurred_at=NOW, actor="me\r\nNats-Expected-Last-Sequence: 1")
    assert codec.command_headers(sly)[subjects.ACTOR] == "me Nats-Expected-Last-Sequence: 1"


@pytest.mark.parametrize(
    ("headers", "occurred_at", "why"),
    [
        ({}, NOW.isoformat(), "the header Antiphon-Command-Id is missing"),
        ({subjects.COMMAND_ID: "7"}, NOW.isoformat(), "a header does not parse"),
        ({subjects.COMMAND_ID: str(COMMAND_ID)}, None, "the time of occurrence is missing"),
        ({subjects.COMMAND_ID: str(COMMAND_ID)}, "yesterday", "a header does not parse"),
        ({subjects.COMMAND_ID: str(COMMAND_ID)}, "2026-01-01T00:00:00", "has no zone"),
        ({subjects.COMMAND_ID: str(COMMAND_ID), subjects.CORRELATION_ID: "x"}, NOW.isoformat(), "does not parse"),
    ],
)
def test_headers_that_are_wrong_say_so(headers: dict[str, str], occurred_at: str | None, why: str) -> None:
    with pytest.raises(UndecodableError) as raised:
        codec.metadata_of(headers, occurred_at)
    assert why in str(raised.value)


def test_only_set_fields_are_stored() -> None:
    assert orjson.loads(codec.encode(CreateFlowRun(flow_id=UUID(int=1), tags=("a",)))) == {
        "flow_id": str(UUID(int=1)),
        "tags": ["a"],
    }
