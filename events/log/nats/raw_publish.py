"""Publishes messages as frames of our own making.

nats-py's publish checks and strips every header of every message, five times the work of the rest (measured); ours are
made by events/codec.py, which lets no line break through.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from nats.aio.client import Client
from nats.errors import BadSubjectError, MaxPayloadError

#: Subject, headers, body.
Outgoing = tuple[str, Mapping[str, str], bytes]

#: JetStream stores no more.
_MOST_HEADERS: Final = 0xFFFF
_BREAKS: Final = re.compile(r"\s").search


async def publish(client: Client, messages: Sequence[Outgoing], reply: str = "") -> None:
    """What nats-py's publish does, for one message or several in order; what is answered to the last goes to `reply`.

    Raises, before anything is sent, MaxPayloadError for a message that is too large, and BadSubjectError.
    """
    *others, last = messages
    frames = [*(frame(client, message) for message in others), frame(client, last, reply)]
    if not client.is_connected or client.is_draining_pubs:
        # Kept until there is a connection again, or refused.
        for subject, headers, data in others:
            await client.publish(subject, data, headers=dict(headers) or None)
        subject, headers, data = last
        await client.publish(subject, data, reply=reply, headers=dict(headers) or None)
        return
    await client._send_command(b"".join(frames))  # noqa: SLF001
    flusher = client._flush_queue  # noqa: SLF001
    if flusher is not None and flusher.empty():
        await client._flush_pending()  # noqa: SLF001


def frame(client: Client, message: Outgoing, reply: str = "") -> bytes:
    """The NATS protocol's frame of a message; raises MaxPayloadError for one that is too large, BadSubjectError."""
    subject, headers, data = message
    if not subject or _BREAKS(subject) or _BREAKS(reply):
        raise BadSubjectError
    if not headers:
        check_size(client, headers, data)
        return b"PUB %b %b %d\r\n%b\r\n" % (subject.encode(), reply.encode(), len(data), data)
    head = _head(headers)
    _check_size(client, head, data)
    to = subject.encode(), reply.encode()
    return b"HPUB %b %b %d %d\r\n%b%b\r\n" % (*to, len(head), len(head) + len(data), head, data)


def check_size(client: Client, headers: Mapping[str, str], data: bytes) -> None:
    """Raises MaxPayloadError for a message that the server would answer by closing the connection for good."""
    _check_size(client, _head(headers) if headers else b"", data)


def _check_size(client: Client, head: bytes, data: bytes) -> None:
    # The server counts the headers too, which nats-py does not.
    if len(head) > _MOST_HEADERS or len(head) + len(data) > client.max_payload:
        raise MaxPayloadError


def _head(headers: Mapping[str, str]) -> bytes:
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    return f"NATS/1.0\r\n{lines}\r\n".encode()
