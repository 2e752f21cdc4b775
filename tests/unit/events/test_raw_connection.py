"""Messages received in bulk are those of nats-py's own parser, however the socket is read."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Any, Final

from hypothesis import example, given
from hypothesis import strategies as st
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.protocol.parser import Parser

from antiphon.events.client.client import Client as AntiphonClient
from antiphon.events.log.nats.connection import PublicSubscriber, subscriber_of
from antiphon.events.log.nats.delivered import Received
from antiphon.events.log.nats.raw_connection import BulkParser, BulkSubscriber, use_raw_connection

Got = tuple[str, str, bytes, dict[str, str] | None]

#: Numbers of subscriptions: one received in bulk, one not.
_BULK: Final = 7
_OTHER: Final = 17

_BODIES: Final = st.binary(max_size=40) | st.sampled_from([b"MSG a 7 b 3\r\nabc\r\n", b"\r\n", b"PING\r\n"])
_LINES: Final = st.sampled_from(
    (
        *(b"A: b", b"A: c", b"ce-type: x.y", b"No-Space:x", b"Two:  spaces", b"Behind: x ", b"Tab:\tx", b"a b: c"),
        *(b" Z: z", b"no colon", b"U: \xc3\xa9", b"\xc3\xa9: u", b"Bad: \xff", b"Double: a  b", b"Colon: a: b"),
        *(b"Empty:", b"V: \x1f", b"D: two words"),
    )
)


@st.composite
def _frames(draw: st.DrawFn) -> bytes:
    number = draw(st.sampled_from([_BULK, _BULK, _OTHER]))
    body = draw(_BODIES)
    reply = draw(st.sampled_from([b"", b"r.e.p "]))
    head = b"evt.1.x.%d %d %b" % (draw(st.integers(0, 99)), number, reply)
    match draw(st.sampled_from(["MSG", "HMSG", "HMSG", "STATUS", "PING", "OK"])):
        case "MSG":
            return b"MSG %b%d\r\n%b\r\n" % (head, len(body), body)
        case "HMSG":
            lines = draw(st.lists(_LINES, min_size=1, max_size=5))
            headers = b"NATS/1.0\r\n%b\r\n\r\n" % b"\r\n".join(lines)
            return b"HMSG %b%d %d\r\n%b%b\r\n" % (head, len(headers), len(headers) + len(body), headers, body)
        case "STATUS":
            more = b"".join(b"%b\r\n" % line for line in draw(st.lists(_LINES, max_size=2)))
            headers = b"NATS/1.0 404 No Messages\r\n%b\r\n" % more
            head = b"evt.1.status %d " % number
            return b"HMSG %b%d %d\r\n%b\r\n" % (head, len(headers), len(headers), headers)
        case "PING":
            return b"PING\r\n"
        case _:
            return b"+OK\r\n"


def _got(message: Msg | Received) -> Got:
    return message.subject, message.reply, message.data, message.headers or None


def _in_order(got: Got) -> Any:
    # Not by `repr`: nats-py names some headers by members of an enum.
    return *got[:3], sorted((got[3] or {}).items())


class Unconnected(Client):
    """A client of nats-py without a socket."""

    pings = 0

    async def _process_ping(self) -> None:
        # The answer would go to the socket.
        self.pings += 1


class Reader:
    """A client, and the messages that its subscriptions received."""

    def __init__(self, *, raw: bool) -> None:
        self.got: dict[int, list[Got]] = defaultdict(list)
        self.client = Unconnected()
        if raw:
            use_raw_connection(self.client)
        self.subscriptions = {number: Subscription(self.client, number, "x") for number in (_BULK, _OTHER)}
        self.client._subs = dict(self.subscriptions)

    def receive_in_bulk(self) -> None:
        assert isinstance(self.client._ps, BulkParser)
        self.client._ps.receivers[b"%d" % _BULK] = lambda messages: self.got[_BULK].extend(map(_got, messages))

    async def read(self, pieces: list[bytes], *, bulk_after: int | None) -> None:
        for number, piece in enumerate(pieces):
            if number == bulk_after:
                self.receive_in_bulk()
            await self.client._ps.parse(piece)
            await asyncio.sleep(0)
        for number, subscription in self.subscriptions.items():
            while not subscription._pending_queue.empty():
                self.got[number].append(_got(subscription._pending_queue.get_nowait()))


def _pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({cut % (len(data) + 1) for cut in cuts})
    return [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)]


@given(st.lists(_frames(), max_size=12), st.lists(st.integers(0, 5000), max_size=8), st.integers(0, 3))
@example([b"MSG evt.1.x.1 17 5\r\nhello\r\n", b"MSG evt.1.x.2 7 r.e.p 2\r\nhi\r\n"], [25], 1)
def test_every_subscription_gets_what_it_would_get_from_nats_py(
    frames: list[bytes], cuts: list[int], bulk_after: int
) -> None:
    async def both() -> tuple[Any, Any]:
        plain, bulk = Reader(raw=False), Reader(raw=True)
        pieces = _pieces(b"".join(frames), cuts)
        await plain.read(pieces, bulk_after=None)
        await bulk.read(pieces, bulk_after=bulk_after)
        assert plain.client.pings == bulk.client.pings
        return plain.got, bulk.got

    expected, found = asyncio.run(both())
    assert found[_OTHER] == expected[_OTHER]
    # Messages from before the subscription was received in bulk are in nats-py's queue.
    assert sorted(found[_BULK], key=_in_order) == sorted(expected[_BULK], key=_in_order)
    if bulk_after == 0:
        assert found[_BULK] == expected[_BULK]


def test_a_new_connection_begins_without_the_rest_of_the_old_one() -> None:
    async def lost() -> dict[int, list[Got]]:
        reader = Reader(raw=True)
        reader.receive_in_bulk()
        await reader.client._ps.parse(b"MSG evt.1.x.1 7 r.e.p 5\r\nhal")
        reader.client._ps.reset()
        await reader.read([b"MSG evt.1.x.2 7 r.e.p 2\r\nhi\r\n"], bulk_after=None)
        return reader.got

    assert asyncio.run(lost()) == {_BULK: [("evt.1.x.2", "r.e.p", b"hi", None)]}


def test_a_line_half_read_before_the_switch_is_read_whole() -> None:
    async def half() -> int:
        client = Unconnected()
        await client._ps.parse(b"PI")
        use_raw_connection(client)
        await client._ps.parse(b"NG\r\n")
        return client.pings

    assert asyncio.run(half()) == 1


def test_a_connection_keeps_its_own_parser_until_it_is_switched_over() -> None:
    client = Unconnected()
    AntiphonClient(client)
    assert type(subscriber_of(client)) is PublicSubscriber
    assert type(client._ps) is Parser
    use_raw_connection(client)
    assert type(subscriber_of(client)) is BulkSubscriber
