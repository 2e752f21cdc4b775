"""Publishes several messages as one atomic batch (NATS ADR-50), which nats-py does not do by itself."""

from __future__ import annotations

from collections.abc import Sequence

from nats.aio.client import Client
from nats.nuid import NUID

#: Subject, headers, body.
Outgoing = tuple[str, dict[str, str], bytes]

_ids = NUID()


async def publish_batch(client: Client, messages: Sequence[Outgoing], reply: str) -> None:
    """Publish all messages so that all or none are stored; the one acknowledgement goes to `reply`.

    A lone message is published as it is. Changes the headers of the messages.
    """
    if len(messages) == 1:
        subject, headers, data = messages[0]
        await client.publish(subject, data, reply=reply, headers=headers)
        return
    batch_id = _ids.next().decode()
    for number, (subject, headers, data) in enumerate(messages, 1):
        headers["Nats-Batch-Id"] = batch_id
        headers["Nats-Batch-Sequence"] = str(number)
        if number == len(messages):
            headers["Nats-Batch-Commit"] = "1"
            await client.publish(subject, data, reply=reply, headers=headers)
        else:
            await client.publish(subject, data, headers=headers)
