"""What is cut in bulk is what nats-py's own parser would have given, however the reads of the socket fall."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from functools import partial
from typing import Any, Final

from hypothesis import example, given
from hypothesis import strategies as st
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from antiphon.events.log.nats import bulk_parser

Got = tuple[str, str, bytes, dict[str, str] | None]

#: Taken in bulk, questions or answers, and not.
_BULK: Final = 7
_ANSWERS: Final = 9
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
    number = draw(st.sampled_from([_BULK, _BULK, _ANSWERS, _OTHER]))
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
            headers = b"NATS/1.0 404 No Messages\r\n\r\n"
            head = b"evt.1.status %d " % number
            return b"HMSG %b%d %d\r\n%b\r\n" % (head, len(headers), len(headers), headers)
        case "PING":
            return b"PING\r\n"
        case _:
            return b"+OK\r\n"


def _got(message: Msg) -> Got:
    return message.subject, message.reply, message.data, message.headers


class Unconnected(Client):
    """A client of nats-py without a socket."""

    pings = 0

    async def _process_ping(self) -> None:
        # The answer would go to the socket.
        self.pings += 1


class Connection:
    """A client, and what its subscriptions got."""

    def __init__(self) -> None:
        self.got: dict[int, list[Got]] = defaultdict(list)
        self.client = Unconnected()
        self.subscriptions = {number: Subscription(self.client, number, "x") for number in (_BULK, _ANSWERS, _OTHER)}
        self.client._subs = dict(self.subscriptions)

    def in_bulk(self) -> None:
        bulk_parser.receive(self.client, self.subscriptions[_BULK], partial(self._take, _BULK))
        bulk_parser.receive(self.client, self.subscriptions[_ANSWERS], partial(self._take, _ANSWERS), answers=True)

    def _take(self, number: int, frames: list[bulk_parser.Frame]) -> None:
        for subject, reply, block, data in frames:
            self.got[number].append((subject, reply, data, bulk_parser.headers(block) or None))

    async def read(self, pieces: list[bytes], *, bulk_after: int | None) -> None:
        for number, piece in enumerate(pieces):
            if number == bulk_after:
                self.in_bulk()
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
        plain, bulk = Connection(), Connection()
        pieces = _pieces(b"".join(frames), cuts)
        await plain.read(pieces, bulk_after=None)
        await bulk.read(pieces, bulk_after=bulk_after)
        assert plain.client.pings == bulk.client.pings
        return plain.got, bulk.got

    expected, found = asyncio.run(both())
    assert found[_OTHER] == expected[_OTHER]
    # What nats-py had before, and statuses, are in its own queue: only the order among themselves is kept.
    for number, is_taken in ((_BULK, _has_reply), (_ANSWERS, _is_bare)):
        assert sorted(found[number], key=repr) == sorted(expected[number], key=repr)
        if bulk_after == 0:
            assert list(filter(is_taken, found[number])) == list(filter(is_taken, expected[number]))


def _has_reply(got: Got) -> bool:
    return bool(got[1])


def _is_bare(got: Got) -> bool:
    return not got[1] and got[3] is None


def test_a_new_connection_begins_without_what_was_left_of_the_old_one() -> None:
    async def lost() -> dict[int, list[Got]]:
        connection = Connection()
        connection.in_bulk()
        await connection.client._ps.parse(b"MSG evt.1.x.1 7 r.e.p 5\r\nhal")
        connection.client._ps.reset()
        await connection.read([b"MSG evt.1.x.2 7 r.e.p 2\r\nhi\r\n"], bulk_after=None)
        return connection.got

    assert asyncio.run(lost()) == {_BULK: [("evt.1.x.2", "r.e.p", b"hi", None)]}
