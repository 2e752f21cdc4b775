"""Messages that nobody can handle are parked, whatever their headers are."""

from __future__ import annotations

from nats.aio.client import Client as NatsClient

from antiphon.events.log.nats.consumer import OrderedConsumer
from antiphon.events.log.nats.delivered import Received
from antiphon.events.log.nats.parked import ParkedMessages
from antiphon.events.log.nats.parking import Parking, unhandled
from antiphon.events.log.nats.restore import survives_restore
from antiphon.events.log.port import Stored
from antiphon.events.subjects import PARKED
from antiphon.events.unhandled import Reason, Unhandled
from tests.examples import NOW
from tests.parking import park


async def test_a_message_is_parked_without_headers_that_nats_py_does_not_publish(connection: NatsClient) -> None:
    await park(connection, "policy", "cmd.odd", {"a/b": "c", "d": "e"}, b"?", "odd")
    (parked,) = await ParkedMessages(connection).page(0, 10)
    assert (parked.subject, parked.headers, parked.data, parked.is_whole) == ("cmd.odd", {"d": "e"}, b"?", True)


async def test_messages_of_several_places_are_several_even_if_they_are_equal(connection: NatsClient) -> None:
    aside = [unread(f"COMMANDS:{number}") for number in (1, 2, 3)]
    await Parking(connection, "policy").park(aside)
    # One of them comes again, among others.
    await Parking(connection, "policy").park([*aside[1:], unread("COMMANDS:4"), unread("COMMANDS:4")])
    await Parking(connection, "policy").park([aside[0]])
    assert await ParkedMessages(connection).count() == 4


async def test_a_message_that_two_consumers_cannot_handle_is_parked_by_both(connection: NatsClient) -> None:
    for consumer in ("projector", "recorder"):
        await Parking(connection, consumer).park([unread("OBSERVED:1")])
    assert {group.consumer for group in await ParkedMessages(connection).groups()} == {"projector", "recorder"}


async def test_requests_that_differ_in_a_header_are_different(connection: NatsClient) -> None:
    requests = [Received("ask.flow.x.create", f"_INBOX.{n}", b"", headers={"a": str(n % 3)}) for n in range(6)]
    await Parking(connection, "policy").park([unhandled(item, Reason.UNREADABLE, "odd") for item in requests])
    assert await ParkedMessages(connection).count() == 3


async def test_thousands_of_messages_take_few_appends_and_are_counted_by_reason_and_kind(
    connection: NatsClient,
) -> None:
    kinds = ("flow", "flow_run", "colour.of.the.sender")
    aside = [
        Unhandled(f"COMMANDS:{number}", f"cmd.{kinds[number % 3]}.x.create", {"n": str(number)}, b"?", reason, "odd")
        for number, reason in enumerate((Reason.UNREADABLE, Reason.UNDECIDABLE, Reason.UNREADABLE) * 1000)
    ]
    await Parking(connection, "policy").park(aside)
    messages = ParkedMessages(connection)
    found = {(group.reason, group.kind): group for group in await messages.groups()}
    assert {key: group.count for key, group in found.items()} == {
        ("unreadable", "cmd.flow"): 1000,
        ("undecidable", "cmd.flow_run"): 1000,
        ("unreadable", "cmd.other"): 1000,
    }
    assert found["unreadable", "cmd.other"].last.sequence == 3000
    first = await messages.page(0, 700)
    second = await messages.page(first[-1].sequence, 700)
    assert [parked.headers["n"] for parked in (*first, *second)] == [str(number) for number in range(1400)]
    assert await appends(connection) == 6
    assert await messages.drop_all() == 3000
    assert (await messages.groups(), await messages.page(0, 10)) == ([], [])


async def test_a_page_of_large_messages_is_read_piece_by_piece(connection: NatsClient) -> None:
    size = connection.max_payload - 100_000
    for number in range(4):
        message = Unhandled(f"COMMANDS:{number}", "cmd.flow.x.create", None, b"x" * size, Reason.UNREADABLE, "large")
        await Parking(connection, "policy").park([message])
    assert [len(parked.data) for parked in await ParkedMessages(connection).page(0, 4)] == [size] * 4


async def appends(connection: NatsClient) -> int:
    """The number of appends by which the parked messages were stored."""
    found = set[str]()
    reader = OrderedConsumer(connection, PARKED)
    last = (await connection.jetstream().stream_info(PARKED)).state.last_seq
    async for batch in reader.batches(until=last):
        found |= {message.headers.get("Nats-Batch-Id", str(message.position)) for message in batch}
    await reader.close()
    return len(found)


def unread(origin: str) -> Unhandled:
    return Unhandled(origin, "cmd.flow.x.create", None, b"the same", Reason.UNREADABLE, "odd")


def test_a_message_with_such_headers_is_not_restored() -> None:
    assert survives_restore(Stored("evt.x", {"a": "b"}, b""), NOW)
    assert not survives_restore(Stored("evt.x", {"a/b": "c"}, b""), NOW)
