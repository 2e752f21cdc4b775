"""The policy process: commands from the queue and from senders who wait, one handler."""

from __future__ import annotations

import asyncio
from typing import Final

from nats.aio.client import Client
from nats.aio.msg import Msg

from events import subjects
from events.log.consumer import OrderedConsumer
from events.log.jetstream import JetStreamLog
from events.log.parking import park
from events.outcome import Outcome
from services.policy.handler import Handler, Letter
from services.policy.intake import Intake
from services.runtime import clock
from services.runtime.nats import application
from services.runtime.settings import Settings

DURABLE: Final = "policy-decide-v1"
#: Several policies share the questions; which of them answers does not matter.
QUEUE_GROUP: Final = "policy"
_LONGEST_REASON: Final = 2000


async def run(settings: Settings) -> None:
    """Decide commands until asked to stop."""
    async with application(settings, "policy") as (_, _, client), asyncio.TaskGroup() as tasks:
        intake = Intake()
        await client.subscribe(subjects.REQUESTS, queue=QUEUE_GROUP, cb=intake.take_question)
        tasks.create_task(_queued(client, intake))
        tasks.create_task(_decide(handler_on(client), intake))


async def _queued(client: Client, intake: Intake) -> None:
    consumer = OrderedConsumer(client, subjects.COMMANDS, durable=DURABLE)
    try:
        async for batch in consumer.batches():
            intake.take([item.message for item in batch])
    finally:
        await consumer.close()


async def _decide(handler: Handler, intake: Intake) -> None:
    async for letters in intake.batches():
        await handler.handle(letters)


def handler_on(client: Client) -> Handler:
    """A handler that works on a NATS connection."""

    async def reply(subject: str, outcome: Outcome) -> None:
        answer = outcome.model_dump_json(exclude_unset=True).encode()
        if len(answer) > client.max_payload:
            # Its reason quotes what was sent: the state is in the log, and the sender knows what he sent.
            brief = {"state": None, "reason": (outcome.reason or "")[:_LONGEST_REASON]}
            answer = outcome.model_copy(update=brief).model_dump_json(exclude_unset=True).encode()
        await client.publish(subject, answer)

    async def acknowledge(letter: Letter) -> None:
        # A question is not acknowledged: its answer does that.
        if isinstance(letter, Msg) and letter.reply.startswith("$JS.ACK."):
            await client.publish(letter.reply, b"+ACK")

    async def put_aside(letter: Letter, why: str) -> None:
        await park(client, "policy", letter.subject, letter.headers, letter.data, why)

    return Handler(JetStreamLog(client), clock=clock.now, reply=reply, acknowledge=acknowledge, park=put_aside)
