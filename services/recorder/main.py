"""The recorder process: task-run events become commands, and all reported events rows."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog
from nats.aio.client import Client as NatsClient

from antiphon.events import subjects
from antiphon.events.client.client import Client, CommandEnvelope
from antiphon.events.errors import UndecodableError
from antiphon.events.log.errors import LogUnavailableError
from antiphon.events.log.nats.consumer import OrderedConsumer
from antiphon.events.log.nats.delivered import Delivered
from antiphon.events.log.nats.parking import park
from antiphon.services.recorder.events import EventRows
from antiphon.services.recorder.translate import command_from
from antiphon.services.runtime import clock
from antiphon.services.runtime.discovery import Endpoint, discoverable
from antiphon.services.runtime.ids import uuid7
from antiphon.services.runtime.nats import application
from antiphon.services.runtime.settings import Settings
from antiphon.services.runtime.work_counters import WorkCounters

_BACKOFF_SECONDS: Final = 0.5

_log = structlog.get_logger(__name__)


async def run(settings: Settings) -> None:
    """Record task runs until asked to stop."""
    async with application(settings, "recorder") as (_, _, client):
        consumer = OrderedConsumer(
            client, subjects.OBSERVED, subjects=[subjects.RECORDED], durable=subjects.RECORDER, keep=True
        )
        rows = EventRows(client, settings)
        commands, counters = Client(client, clock=clock.now, new_id=uuid7), WorkCounters()
        try:
            endpoint = Endpoint("record", subjects.RECORDED, subjects.RECORDER, lambda: counters)
            async with (
                discoverable(client, "recorder", [endpoint, *rows.endpoints]),
                asyncio.TaskGroup() as tasks,
            ):
                tasks.create_task(rows.run())
                tasks.create_task(_run(client, consumer, commands, counters))
        finally:
            await consumer.close()


async def _run(client: NatsClient, consumer: OrderedConsumer, commands: Client, counters: WorkCounters) -> None:
    async for batch in consumer.batches():
        began = clock.monotonic()
        await _record(client, commands, batch, counters)
        counters.add(len(batch), clock.monotonic() - began)


async def _record(client: NatsClient, commands: Client, batch: Sequence[Delivered], counters: WorkCounters) -> None:
    """Publish the commands, then acknowledge: after a crash in between they are published again, and decided once."""
    while True:
        try:
            await commands.publish_many(
                [item for item in await _translated(client, batch, counters) if item is not None]
            )
            break
        except LogUnavailableError as error:
            _log.warning("commands not taken", error=str(error))
            await asyncio.sleep(_BACKOFF_SECONDS)
    for item in batch:
        await client.publish(item.reply, b"+ACK")


async def _translated(
    client: NatsClient, batch: Sequence[Delivered], counters: WorkCounters
) -> list[CommandEnvelope | None]:
    found: list[CommandEnvelope | None] = []
    for message in batch:
        try:
            found.append(command_from(message.data))
        except UndecodableError as error:
            _log.warning("event parked", subject=message.subject, why=str(error))
            counters.fail(str(error))
            await park(client, "recorder", message.subject, message.headers, message.data, str(error))
    return found
