"""A command needs no headers: its id and its time follow from the message."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from antiphon.events import subjects
from antiphon.events.errors import UndecodableError
from antiphon.events.flow_run.commands import SetFlowRunState
from antiphon.events.message import Metadata
from antiphon.services.policy.service import command_message
from tests.examples import NOW, RUN, proposed
from tests.letters import Question

BODY = b'{"state":{"type":"RUNNING"}}'
NANOSECONDS = 1_790_000_000_123_456_789
STORED_AT = datetime(2026, 9, 21, 14, 13, 20, 123456, tzinfo=UTC)


def queued(
    headers: dict[str, str] | None, *, deliveries: int = 1, sequence: int = 17, nanoseconds: int = NANOSECONDS
) -> Metadata:
    reply = f"$JS.ACK.COMMANDS.policy.{deliveries}.{sequence}.{deliveries}.{nanoseconds}.0"
    letter = Question(subjects.command(RUN, "set_state"), reply, headers, BODY)
    request = command_message.read(letter)
    assert request.body == SetFlowRunState(state=proposed("RUNNING"))
    assert request.metadata.command_id == command_message.command_id(letter)
    return request.metadata


def test_a_queued_command_has_the_same_id_at_each_delivery_and_the_time_of_the_log() -> None:
    first = queued(None)
    assert first == queued({}, deliveries=2)
    assert first.occurred_at == STORED_AT
    assert first.command_id != queued(None, sequence=18).command_id
    assert first.command_id != queued(None, nanoseconds=NANOSECONDS + 1).command_id


def test_servers_that_know_domains_say_the_same() -> None:
    reply = f"$JS.ACK._.account.COMMANDS.policy.1.17.1.{NANOSECONDS}.0.random"
    letter = Question(subjects.command(RUN, "set_state"), reply, None, BODY)
    assert command_message.read(letter).metadata == queued(None)


def test_a_message_id_makes_the_command_id() -> None:
    own = uuid4()
    assert queued({subjects.MESSAGE_ID: str(own)}).command_id == own
    named = queued({subjects.MESSAGE_ID: "order 7"})
    assert named == queued({subjects.MESSAGE_ID: "order 7"}, deliveries=2)
    assert named.command_id != queued({subjects.MESSAGE_ID: "order 8"}).command_id


def test_what_the_sender_says_counts() -> None:
    headers = {subjects.COMMAND_ID: str(UUID(int=7)), subjects.MESSAGE_ID: "other"}
    assert queued(headers).command_id == UUID(int=7)
    assert queued({subjects.OCCURRED_AT: NOW.isoformat()}).occurred_at == NOW


def test_a_request_gets_an_id_when_it_arrives() -> None:
    letter = Question(subjects.request(RUN, "set_state"), "inbox.1", None, BODY)
    one, other = command_message.read(letter).metadata, command_message.read(letter).metadata
    assert one.command_id != other.command_id
    assert one.occurred_at.tzinfo is not None


@pytest.mark.parametrize("name", [subjects.COMMAND_ID, subjects.OCCURRED_AT])
def test_a_header_that_does_not_parse_is_no_absent_one(name: str) -> None:
    with pytest.raises(UndecodableError, match="does not parse"):
        queued({name: "x"})
