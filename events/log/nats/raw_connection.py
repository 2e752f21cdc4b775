"""Receives all messages of one read of the socket at once, by replacing nats-py's parser.

It uses these private parts of nats-py, checked with 2.16: `Client._ps`, `Subscription._id`, and the calls of
`Parser.parse` for each read and of `Parser.reset` for each new connection. nats-py matches and copies each message
several times, and queues it for a task of its subscription. Without that, a replay takes two thirds of the CPU time (22
instead of 34 us per event; 14 with header_fast_path.py too), and a request for a decision nine tenths. nats-py's limits
for slow consumers do not apply here: each subscriber bounds the number of messages that it requests. Publishing by
private parts as well saved less than 2 %, and was deleted.
"""

from __future__ import annotations

import asyncio
from typing import Final, cast

from nats.aio.client import Client
from nats.aio.subscription import Subscription
from nats.errors import ProtocolError
from nats.protocol.parser import AWAITING_CONTROL_LINE, Parser

from antiphon.events.log.nats.connection import PublicSubscriber, Receive, switch_over
from antiphon.events.log.nats.delivered import Received

_END: Final = b"\r\n"
#: The first letters of MSG and HMSG.
_MESSAGES: Final = frozenset(b"MH")


def use_raw_connection(client: Client) -> None:
    """Switch a connection over, once, before anything is subscribed on it."""
    client._ps = BulkParser(client, client._ps)  # noqa: SLF001
    switch_over(client, BulkSubscriber)


class BulkSubscriber(PublicSubscriber):
    """Receives all messages of one read of the socket together."""

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        self._receivers = cast(BulkParser, client._ps).receivers  # noqa: SLF001

    async def subscribe(self, subject: str, receive: Receive, *, queue: str = "") -> Subscription:
        """See Subscriber.subscribe. nats-py delivers messages that arrive before this returns."""
        subscription = await super().subscribe(subject, receive, queue=queue)
        self._receivers[_number(subscription)] = receive
        return subscription

    async def unsubscribe(self, subscription: Subscription) -> None:
        """See Subscriber.unsubscribe."""
        self._receivers.pop(_number(subscription), None)
        await super().unsubscribe(subscription)


def _number(subscription: Subscription) -> bytes:
    return b"%d" % subscription._id  # noqa: SLF001


class BulkParser(Parser):
    """Delivers the messages of our subscriptions; nats-py's own code parses all other lines and messages."""

    def __init__(self, client: Client, replaced: Parser) -> None:
        if replaced.state != AWAITING_CONTROL_LINE:
            raise RuntimeError("the connection is in the middle of a message")
        #: By the number of the subscription.
        self.receivers: dict[bytes, Receive] = {}
        super().__init__(client)
        self._rest += replaced.buf

    def reset(self) -> None:
        """Begin a new connection."""
        super().reset()
        #: The beginning of a line or message, incomplete at least up to the size `_needed`.
        self._rest = bytearray()
        self._needed = 0

    async def parse(self, data: bytes = b"") -> None:
        """Parse one read."""
        self._rest += data
        if len(self._rest) >= self._needed:
            # Nothing is awaited before the rest is kept: the connection may be lost and made anew meanwhile.
            for part in self._deliver(bytes(self._rest)):
                await super().parse(part)

    def _deliver(self, buffer: bytes) -> list[bytes]:
        """Deliver messages of our subscriptions, keep what is incomplete, and return everything else."""
        messages: dict[Receive, list[Received]] = {}
        others: list[bytes] = []
        begin = position = needed = 0
        try:
            while (line := buffer.find(_END, position)) >= 0:
                end = line + 2
                if buffer[position] in _MESSAGES:
                    words = buffer[position:line].split()
                    end += int(words[-1]) + 2
                    if end > len(buffer):
                        needed = end - position
                        break
                    receive = self.receivers.get(words[2])
                    if receive is not None:
                        messages.setdefault(receive, []).append(_message(words, buffer, line + 2, end - 2))
                        others.append(buffer[begin:position])
                        begin = end
                position = end
        except (ValueError, IndexError) as error:
            raise ProtocolError("nats: malformed MSG") from error
        others.append(buffer[begin:position])
        self._rest, self._needed = bytearray(buffer[position:]), needed
        for receive, received in messages.items():
            # Not at once: an exception there must not end the reading.
            asyncio.get_running_loop().call_soon(receive, received)
        return [part for part in others if part]


def _message(words: list[bytes], buffer: bytes, start: int, end: int) -> Received:
    body, has_reply = start, len(words) == 5
    if words[0] == b"HMSG":
        body, has_reply = start + int(words[-2]), len(words) == 6
    reply = words[3].decode(errors="replace") if has_reply else ""
    return Received(words[1].decode(errors="replace"), reply, buffer[body:end], buffer[start:body])
