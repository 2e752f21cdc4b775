"""Publishes and subscribes on a NATS connection, for the other modules of this folder.

A connection is used through nats-py's public interface, unless one of our own services has switched it over
(raw_connection.py): a program of a user keeps its connection as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final, Protocol
from weakref import WeakKeyDictionary

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import MaxPayloadError

from antiphon.events.log.nats.delivered import Received

#: Subject, headers, body.
Outgoing = tuple[str, Mapping[str, str], bytes]
#: Takes messages in the order they arrived, at least one.
Receive = Callable[[Sequence[Received]], None]

#: JetStream stores no more bytes of headers.
_MAX_HEADERS: Final = 0xFFFF
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch


class Subscriber(Protocol):
    """A way to receive messages."""

    async def subscribe(self, subject: str, receive: Receive, *, queue: str = "") -> Subscription:
        """Pass the messages on a subject to `receive`, including statuses of the server."""

    async def unsubscribe(self, subscription: Subscription) -> None:
        """End a subscription."""


class PublicSubscriber:
    """Receives messages one by one, through nats-py's public interface."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def subscribe(self, subject: str, receive: Receive, *, queue: str = "") -> Subscription:
        """See Subscriber.subscribe."""

        async def receive_one(message: Msg) -> None:
            receive([Received(message.subject, message.reply, message.data, headers=message.headers or {})])

        return await self._client.subscribe(subject, queue=queue, cb=receive_one)

    async def unsubscribe(self, subscription: Subscription) -> None:
        """See Subscriber.unsubscribe."""
        await subscription.unsubscribe()


#: The values are classes: an instance would keep its client alive.
_switched_over: WeakKeyDictionary[Client, Callable[[Client], Subscriber]] = WeakKeyDictionary()


def switch_over(client: Client, subscriber: Callable[[Client], Subscriber]) -> None:
    """Let `subscriber_of` choose another class for this connection."""
    _switched_over[client] = subscriber


def subscriber_of(client: Client) -> Subscriber:
    """The way to receive messages on this connection."""
    return _switched_over.get(client, PublicSubscriber)(client)


async def publish(client: Client, messages: Sequence[Outgoing], reply: str = "") -> None:
    """Publish messages in order; the last one with the reply subject.

    Raises MaxPayloadError for a message that is too large, before anything is sent, and BadSubjectError.
    """
    for _, headers, data in messages:
        check_size(client, headers, data)
    *others, last = messages
    for subject, headers, data in others:
        await client.publish(subject, data, headers=dict(headers) or None)
    subject, headers, data = last
    await client.publish(subject, data, reply=reply, headers=dict(headers) or None)


def addresses(url: str) -> list[str]:
    """The addresses of servers in a list that is separated by commas."""
    return [address for part in url.split(",") if (address := part.strip())]


async def close(client: Client) -> None:
    """Close a connection, also one whose server is gone: what it could not send is lost, for which nats-py raises."""
    with suppress(OSError):
        await client.close()


def check_size(client: Client, headers: Mapping[str, str], data: bytes) -> None:
    """Raises MaxPayloadError for a message that the server would answer by closing the connection for good."""
    # The server counts the headers too, nats-py does not.
    size = size_of(headers)
    if size > _MAX_HEADERS or size + len(data) > client.max_payload:
        raise MaxPayloadError


def is_header_name(name: str) -> bool:
    """Whether nats-py publishes a header of this name; it receives others too, for which it raises BadHeaderError."""
    return _HEADER_NAME(name) is not None


def size_of(headers: Mapping[str, str]) -> int:
    """The number of bytes that headers take in a message."""
    text = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    return len(f"NATS/1.0\r\n{text}\r\n".encode()) if headers else 0
