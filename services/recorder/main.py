"""The recorder process: observed task-run events become commands, and all observed events become rows."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog
from nats.aio.client import Client as NatsClient

from antiphon.events import subjects
from antiphon.events.client.client import Client
from antiphon.events.errors import UndecodableError
from antiphon.events.log.errors import LogUnavailableError, TooLargeError
from antiphon.events.log.nats.consumer import OrderedConsumer
from antiphon.events.log.nats.delivered import Delivered
from antiphon.events.log.nats.parking import Parking, unhandled
from antiphon.events.unhandled import Reason, Unhandled
from antiphon.services.recorder.events import EventRows
from antiphon.services.recorder.translate import command_from
from antiphon.services.runtime import clock
from antiphon.services.runtime.discovery import Endpoint, discoverable
from antiphon.services.runtime.ids import uuid7
from antiphon.services.runtime.nats import application
from antiphon.services.runtime.settings import Settings
from antiphon.services.runtime.work_counters import WorkCounters

#: Less than the time after which the server delivers an observation again.
_DECISION_SECONDS: Final = 8.0

_log = structlog.get_logger(__name__)


async def run(settings: Settings) -> None:
    """Record task runs and events until asked to stop."""
    async with application(settings, "recorder") as (_, _, client):
        recorder, rows = Recorder(client), EventRows(client, settings)
        endpoint = Endpoint("record", subjects.RECORDED, subjects.RECORDER, lambda: recorder.counters)
        async with discoverable(client, "recorder", [endpoint, *rows.endpoints]), asyncio.TaskGroup() as tasks:
            tasks.create_task(rows.run())
            tasks.create_task(recorder.run())


class Recorder:
    """Requests a decision about each reported state of a task run.

    The durable consumer is the retry: an observation without a decision is delivered again. Its command then has the
    same id, and is decided once.
    """

    def __init__(self, client: NatsClient) -> None:
        self._client = client
        self._commands = Client(client, timeout_seconds=_DECISION_SECONDS, clock=clock.now, new_id=uuid7)
        self._parking = Parking(client, "recorder")
        self.counters = WorkCounters()

    async def run(self) -> None:
        """Read observations for ever."""
        consumer = OrderedConsumer(
            self._client, subjects.OBSERVED, subjects=[subjects.RECORDED], durable=subjects.RECORDER, keep=True
        )
        try:
            async for batch in consumer.batches():
                began = clock.monotonic()
                # The requests leave, and arrive, in the order of the batch.
                aside = await asyncio.gather(*(self._record(message) for message in batch))
                await self._put_aside([(message, what) for message, what in zip(batch, aside, strict=True) if what])
                self.counters.add(len(batch), clock.monotonic() - began)
        finally:
            await consumer.close()

    async def _record(self, message: Delivered) -> Unhandled | None:
        """Record a message; returns it if it has to be parked."""
        try:
            envelope = command_from(message.data)
            if envelope is not None:
                await self._commands.decide(envelope.aggregate_id, envelope.command, command_id=envelope.command_id)
        except UndecodableError as error:
            return unhandled(message, Reason.UNREADABLE, str(error))
        except TooLargeError as error:
            return unhandled(message, Reason.TOO_LARGE, str(error))
        except LogUnavailableError as error:
            # Without an acknowledgement the server delivers it again.
            _log.warning("task run not recorded yet", subject=message.subject, error=str(error))
            return None
        await self._acknowledge(message)
        return None

    async def _put_aside(self, messages: Sequence[tuple[Delivered, Unhandled]]) -> None:
        """Park messages by one append."""
        for _, aside in messages:
            _log.warning("event parked", subject=aside.subject, why=aside.error)
            self.counters.fail(aside.error)
        try:
            await self._parking.park([aside for _, aside in messages])
        except LogUnavailableError as error:
            _log.warning("events not parked yet", count=len(messages), error=str(error))
            return
        for message, _ in messages:
            await self._acknowledge(message)

    async def _acknowledge(self, message: Delivered) -> None:
        await self._client.publish(message.reply, b"+ACK")
