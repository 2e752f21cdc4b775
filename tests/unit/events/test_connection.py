"""Messages that the server would refuse by closing the connection are refused before anything is sent."""

from __future__ import annotations

import pytest
from nats.aio.client import Client
from nats.errors import MaxPayloadError

from antiphon.events.log.nats.connection import check_size, size_of


def test_the_size_of_headers_is_that_of_their_block() -> None:
    assert size_of({}) == 0
    assert size_of({"A": "b", "C": "d \u00e9"}) == len("NATS/1.0\r\nA: b\r\nC: d \u00e9\r\n\r\n".encode())


def test_a_message_too_large_with_its_headers_is_refused() -> None:
    client = Client()
    most = client.max_payload
    check_size(client, {}, bytes(most))
    for headers, size in (({}, most + 1), ({"A": "b"}, most - 10), ({"A": "b" * 70_000}, 0)):
        with pytest.raises(MaxPayloadError):
            check_size(client, headers, bytes(size))
