"""Frames of our own: what nats-py would send, and the same refusals."""

from __future__ import annotations

import pytest
from nats.aio.client import Client
from nats.errors import BadSubjectError, MaxPayloadError
from nats.protocol import command

from antiphon.events.log.nats import raw_publish


def test_a_message_is_framed_as_nats_py_frames_it() -> None:
    head = b"NATS/1.0\r\nA: b\r\nC: d e\r\n\r\n"
    framed = raw_publish.frame(Client(), ("x.y", {"A": "b", "C": "d e"}, b"body"), "inbox.1")
    assert framed == command.hpub_cmd("x.y", "inbox.1", head, b"body")
    assert raw_publish.frame(Client(), ("x.y", {}, b"body"), "inbox.1") == command.pub_cmd("x.y", "inbox.1", b"body")
    assert raw_publish.frame(Client(), ("x.y", {}, b"")) == command.pub_cmd("x.y", "", b"")


@pytest.mark.parametrize("subject", ["", "a b", "a\tb", "a\r\nPUB b 0\r\n"])
def test_a_subject_that_would_end_the_line_is_refused(subject: str) -> None:
    with pytest.raises(BadSubjectError):
        raw_publish.frame(Client(), (subject, {}, b""))


def test_a_reply_subject_that_would_end_the_line_is_refused() -> None:
    with pytest.raises(BadSubjectError):
        raw_publish.frame(Client(), ("a", {}, b""), "b\r\nPING")


def test_what_the_server_would_not_take_is_refused() -> None:
    client = Client()
    most = client.max_payload
    assert raw_publish.frame(client, ("a", {}, bytes(most)))
    with pytest.raises(MaxPayloadError):
        raw_publish.frame(client, ("a", {}, bytes(most + 1)))
    with pytest.raises(MaxPayloadError):
        raw_publish.frame(client, ("a", {"A": "b"}, bytes(most - 10)))
    with pytest.raises(MaxPayloadError):
        raw_publish.frame(client, ("a", {"A": "b" * 70_000}, b""))
