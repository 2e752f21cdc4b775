"""Takes messages off a connection many at a time.

nats-py gives each message to a task of its subscription by itself, after several patterns and copies: that is more work
than Antiphon has with it. Here what one read of the socket brought is cut at once, and handed over as a list. What
belongs to other subscriptions, and all else that a server says, goes to nats-py's own parser as it came.

Only this module and `frames`, its counterpart, know nats-py's insides (2.16).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, cast

from nats.aio.client import Client
from nats.aio.subscription import Subscription
from nats.errors import ProtocolError
from nats.protocol.parser import AWAITING_MSG_PAYLOAD, Parser

#: What a message was published on, its reply subject (empty: none), its headers as they came, its body.
Frame = tuple[str, str, bytes, bytes]
#: Takes what one read brought.
Receive = Callable[[list[Frame]], None]

_END: Final = b"\r\n"
#: The first letters of MSG and HMSG.
_MESSAGES: Final = frozenset(b"MH")
#: What stands before the headers of a message, and after them.
_VERSION: Final = len(b"NATS/1.0\r\n")
_EMPTY_LINE: Final = len(b"\r\n\r\n")
_MOST_NAMES: Final = 1000
#: Names of headers as nats-py reads them: they are few.
_NAMES: Final[set[str]] = set()


def receive(client: Client, subscription: Subscription, receiver: Receive, *, answers: bool = False) -> None:
    """Hand the messages of a subscription to `receiver` from now on: those with a reply subject, or `answers` without.

    Its callback gets the others, and answers with headers: statuses, such as the end of a pull, are among them.
    """
    _parser(client).receivers[_number(subscription)] = receiver, answers


def forget(client: Client, subscription: Subscription) -> None:
    """What comes for the subscription is for nobody any more."""
    _parser(client).receivers.pop(_number(subscription), None)


def _number(subscription: Subscription) -> bytes:
    return b"%d" % subscription._id  # noqa: SLF001  no other name for it


def _parser(client: Client) -> _ManyAtOnce:
    parser: Parser = client._ps  # noqa: SLF001  it cannot be given another one
    if not isinstance(parser, _ManyAtOnce):
        # Not a new one: it may be in the middle of something.
        parser.__class__ = _ManyAtOnce
        cast(_ManyAtOnce, parser).begin()
    return cast(_ManyAtOnce, parser)


class _ManyAtOnce(Parser):
    """Cuts what was read into frames, and keeps those that somebody takes in bulk from nats-py."""

    nc: Any
    #: By subscription; and whether it is answers that they take.
    receivers: dict[bytes, tuple[Receive, bool]]

    def begin(self) -> None:
        """Go on where the parser of nats-py is."""
        self.receivers = {}
        self._clear()
        if self.state == AWAITING_MSG_PAYLOAD:
            # It has the head of a message, and gets the rest.
            self._others = self.needed + len(_END) - len(self.buf)
        elif self.buf:
            self._keep(bytes(self.buf), len(self.buf) + 1)
            self.buf.clear()

    def reset(self) -> None:
        """Begin a new connection."""
        super().reset()
        self._clear()

    def _clear(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0
        #: Less than this is no whole frame.
        self._needed = 0
        #: So many bytes belong to a message that nats-py has begun.
        self._others = 0

    def _keep(self, rest: bytes, needed: int) -> None:
        self._pieces, self._size, self._needed = ([rest] if rest else []), len(rest), needed

    async def parse(self, data: bytes = b"") -> None:
        """Take what was read apart."""
        if self._others:
            first, data = data[: self._others], data[self._others :]
            self._others -= len(first)
            await super().parse(first)
        self._pieces.append(data)
        self._size += len(data)
        if self._size >= self._needed:
            # Nothing is awaited before the rest is kept: meanwhile the connection may be lost, and made anew.
            for part in self._taken(b"".join(self._pieces)):
                await super().parse(part)

    def _taken(self, buffer: bytes) -> list[bytes]:
        """Hand over what is taken in bulk, keep what is not whole, and return what is for nats-py."""
        bulk: dict[Receive, list[Frame]] = {}
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
                    taken = self.receivers.get(words[2])
                    if taken is not None and (frame := _frame(words, buffer, line + 2, end - 2, answer=taken[1])):
                        bulk.setdefault(taken[0], []).append(frame)
                        if begin < position:
                            others.append(buffer[begin:position])
                        begin = end
                position = end
        except (ValueError, IndexError) as error:
            raise ProtocolError("nats: malformed MSG") from error
        if begin < position:
            others.append(buffer[begin:position])
        self._keep(buffer[position:], needed or len(buffer) - position + 1)
        for receiver, frames in bulk.items():
            # Not at once: whatever goes wrong there must not end the reading.
            asyncio.get_running_loop().call_soon(receiver, frames)
        return others


def _frame(words: list[bytes], buffer: bytes, start: int, end: int, *, answer: bool) -> Frame | None:
    """A message with a reply subject, or an answer without one; None for any other."""
    if answer:
        is_bare = len(words) == 4
        return (words[1].decode(errors="replace"), "", b"", buffer[start:end]) if is_bare else None
    if words[0] == b"HMSG":
        if len(words) < 6:
            return None
        body = start + int(words[4])
        block = buffer[start:body]
    elif len(words) < 5:
        return None
    else:
        block, body = b"", start
    return words[1].decode(errors="replace"), words[3].decode(errors="replace"), block, buffer[body:end]


def headers(block: bytes) -> dict[str, str]:
    """The headers of a message as nats-py reads them; by itself only where there is nothing to think about."""
    lines = block[_VERSION:-_EMPTY_LINE]
    if lines.isascii() and b"\t" not in lines and b"\x0b" not in lines and b"\x0c" not in lines:
        try:
            found = dict([line.split(": ", 1) for line in lines.decode("ascii").split("\r\n")])
        except ValueError:
            # A line without a colon, or without a space behind it.
            found = {}
        # Nothing is repeated, and nothing has to be stripped: blanks stand alone, and before a letter.
        ends = len(found) - 1
        plain = ends == lines.count(_END) == lines.count(b"\n") == lines.count(b"\r")
        plain = plain and b"  " not in lines and b" \r" not in lines and not lines.endswith(b" ")
        if plain and found.keys() <= _NAMES:
            return found
    parsed: dict[str, str] = Client._parse_header_lines(lines)  # noqa: SLF001
    if len(_NAMES) < _MOST_NAMES:
        _NAMES.update(parsed)
    return parsed
