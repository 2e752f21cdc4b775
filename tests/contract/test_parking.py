"""Messages that nobody can handle are parked, whatever their headers are."""

from __future__ import annotations

from nats.aio.client import Client as NatsClient

from antiphon.events.log.nats.parked import ParkedMessages
from antiphon.events.log.nats.parking import park
from antiphon.events.log.nats.restore import survives_restore
from antiphon.events.log.port import Stored
from tests.examples import NOW


async def test_a_message_is_parked_without_headers_that_nats_py_does_not_publish(connection: NatsClient) -> None:
    await park(connection, "policy", "cmd.odd", {"a/b": "c", "d": "e"}, b"?", "odd")
    (parked,) = [item async for item in ParkedMessages(connection).all()]
    assert (parked.subject, parked.headers, parked.data, parked.is_whole) == ("cmd.odd", {"d": "e"}, b"?", True)


def test_a_message_with_such_headers_is_not_restored() -> None:
    assert survives_restore(Stored("evt.x", {"a": "b"}, b""), NOW)
    assert not survives_restore(Stored("evt.x", {"a/b": "c"}, b""), NOW)
