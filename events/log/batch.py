"""Publishes several messages as one atomic batch (NATS ADR-50), which nats-py does not do by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.errors import MaxPayloadError
from nats.nuid import NUID

from events.log.errors import ConflictError, LogUnavailableError
from events.log.replies import ReplyInbox

#: Subject, headers, body.
Outgoing = tuple[str, dict[str, str], bytes]

#: JetStream stores no more.
_MOST_HEADERS: Final = 0xFFFF
_WRONG_LAST_SEQUENCE: Final = 10071

_ids = NUID()


async def store(client: Client, replies: ReplyInbox, messages: Sequence[Outgoing], timeout_seconds: float) -> int:
    """Publish all messages so that all or none are stored; returns the sequence of the last, once they are on disk.

    Raises MaxPayloadError before anything is sent, ConflictError for a wrong expectation, LogUnavailableError when it
    is not known whether they are stored.
    """
    reply, acknowledged = replies.expect()
    try:
        async with asyncio.timeout(timeout_seconds):
            await replies.open()
            await publish_batch(client, messages, reply)
            return _sequence((await acknowledged).data)
    except MaxPayloadError:
        raise
    except (TimeoutError, NatsError, OSError) as error:
        raise LogUnavailableError(f"{len(messages)} messages were not acknowledged: {error!r}") from error
    finally:
        replies.forget(reply)


def _sequence(acknowledgement: bytes) -> int:
    answer: dict[str, Any] = orjson.loads(acknowledgement)
    error = answer.get("error")
    if error is None:
        return int(answer["seq"])
    if error.get("err_code") == _WRONG_LAST_SEQUENCE:
        raise ConflictError(error["description"])
    raise LogUnavailableError(f"the messages were refused: {error}")


async def publish_batch(client: Client, messages: Sequence[Outgoing], reply: str) -> None:
    """Publish all messages so that all or none are stored; the one acknowledgement goes to `reply`.

    A lone message is published as it is. Changes the headers of the last message.
    Raises MaxPayloadError, before anything is sent, when one is larger than the server takes.
    """
    *others, (subject, headers, data) = messages
    frames: list[bytes] = []
    if others:
        batch_id = _ids.next().decode()
        # nats-py's publish checks and strips every header of every message, five times the work of
        # the rest (measured); ours are made by events/codec.py, which lets no line break through.
        frames = [_frame(client, message, batch_id, number) for number, message in enumerate(others, 1)]
        headers |= _place(batch_id, len(messages)) | {"Nats-Batch-Commit": "1"}
    check_size(client, headers, data)
    if frames:
        await client._send_command(b"".join(frames))  # noqa: SLF001
    # The last message goes the ordinary way, checks the connection and flushes them all.
    await client.publish(subject, data, reply=reply, headers=headers)


def check_size(client: Client, headers: Mapping[str, str], data: bytes) -> None:
    """Raises MaxPayloadError for a message that the server would answer by closing the connection for good."""
    _check_size(client, _head(headers), data)


def _check_size(client: Client, head: bytes, data: bytes) -> None:
    # The server counts the headers too, which nats-py does not.
    if len(head) > _MOST_HEADERS or len(head) + len(data) > client.max_payload:
        raise MaxPayloadError


def _place(batch_id: str, number: int) -> dict[str, str]:
    return {"Nats-Batch-Id": batch_id, "Nats-Batch-Sequence": str(number)}


def _head(headers: Mapping[str, str]) -> bytes:
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    return f"NATS/1.0\r\n{lines}\r\n".encode()


def _frame(client: Client, message: Outgoing, batch_id: str, number: int) -> bytes:
    """The NATS protocol's HPUB frame of a message within a batch."""
    subject, headers, data = message
    head = _head(headers | _place(batch_id, number))
    _check_size(client, head, data)
    return b"HPUB %b %d %d\r\n%b%b\r\n" % (subject.encode(), len(head), len(head) + len(data), head, data)
