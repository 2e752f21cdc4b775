"""Publishes several messages as one atomic batch (NATS ADR-50), which nats-py does not do by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import orjson
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.errors import MaxPayloadError
from nats.nuid import NUID

from antiphon.events.log.errors import ConflictError, DuplicateError, LogUnavailableError
from antiphon.events.log.nats.connection import Outgoing, publish
from antiphon.events.log.nats.replies import ReplyInbox

_WRONG_LAST_SEQUENCE: Final = 10071
_DUPLICATE_IN_BATCH: Final = 10201

_ids = NUID()


async def store(client: Client, replies: ReplyInbox, messages: Sequence[Outgoing], timeout_seconds: float) -> int:
    """Publish all messages so that all or none are stored; returns the sequence of the last, once they are on disk.

    Raises MaxPayloadError before anything is sent, ConflictError for a wrong expectation, DuplicateError when one of
    several has a message id that is stored already, LogUnavailableError when it is not known whether they are stored.
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
    if error.get("err_code") == _DUPLICATE_IN_BATCH:
        raise DuplicateError(error["description"])
    raise LogUnavailableError(f"the messages were refused: {error}")


async def publish_batch(client: Client, messages: Sequence[Outgoing], reply: str) -> None:
    """Publish all messages so that all or none are stored; the one acknowledgement goes to `reply`.

    A lone message is published as it is.
    Raises MaxPayloadError, before anything is sent, when one is larger than the server takes.
    """
    if len(messages) > 1:
        batch_id = _ids.next().decode()
        messages = [_placed(message, batch_id, number) for number, message in enumerate(messages, 1)]
        subject, headers, data = messages[-1]
        messages[-1] = subject, {**headers, "Nats-Batch-Commit": "1"}, data
    await publish(client, messages, reply)


def _placed(message: Outgoing, batch_id: str, number: int) -> Outgoing:
    subject, headers, data = message
    return subject, {**headers, "Nats-Batch-Id": batch_id, "Nats-Batch-Sequence": str(number)}, data
