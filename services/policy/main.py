"""The policy process: one ordered consumer of commands, one handler."""

from __future__ import annotations

from typing import Final

from nats.aio.client import Client
from nats.aio.msg import Msg

from events import subjects
from events.log.consumer import OrderedConsumer
from events.log.jetstream import JetStreamLog
from events.log.parking import park
from events.outcome import Outcome
from services.policy.handler import Handler, Letter
from services.runtime import clock
from services.runtime.nats import application
from services.runtime.settings import Settings

DURABLE: Final = "policy-decide-v1"


async def run(settings: Settings) -> None:
    """Decide commands until asked to stop."""
    async with application(settings, "policy") as (_, _, client):
        handler = handler_on(client)
        consumer = OrderedConsumer(client, subjects.COMMANDS, durable=DURABLE)
        try:
            async for batch in consumer.batches():
                await handler.handle([item.message for item in batch])
        finally:
            await consumer.close()


def handler_on(client: Client) -> Handler:
    """A handler that works on a NATS connection."""

    async def reply(subject: str, outcome: Outcome) -> None:
        await client.publish(subject, outcome.model_dump_json(exclude_unset=True).encode())

    async def acknowledge(letter: Letter) -> None:
        if isinstance(letter, Msg):
            await client.publish(letter.reply, b"+ACK")

    async def put_aside(letter: Letter, why: str) -> None:
        await park(client, "policy", letter.subject, letter.headers, letter.data, why)

    return Handler(JetStreamLog(client), clock=clock.now, reply=reply, acknowledge=acknowledge, park=put_aside)
