"""Projects observed log lines: commit rows and checkpoint, then announce the position."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import structlog
from nats.aio.client import Client
from psycopg import AsyncConnection

from events import subjects
from events.log.consumer import Delivered, OrderedConsumer
from events.log.parking import park
from projections.change import Change
from projections.log.projection import project
from projections.writer import connect, position_of, take_turn, write

_log = structlog.get_logger(__name__)


class ObservedLoop:
    """One reader of the log lines on OBSERVED, one writer of their table."""

    name: Final = "observed"

    def __init__(self, client: Client, postgres_url: str) -> None:
        self._client = client
        self._postgres_url = postgres_url

    async def run(self) -> None:
        """Project from the checkpoint on, until Postgres goes away (psycopg.OperationalError)."""
        async with await connect(self._postgres_url) as connection:
            await take_turn(connection, self.name)
            after = await position_of(connection, self.name)
            _log.info("projects", projection=self.name, stream=subjects.OBSERVED, after=after)
            consumer = OrderedConsumer(self._client, subjects.OBSERVED, after=after, subjects=["obs.*.log.*"])
            try:
                async for batch in consumer.batches():
                    await self._apply(connection, batch)
            finally:
                await consumer.close()

    async def _apply(self, connection: AsyncConnection[Any], batch: Sequence[Delivered]) -> None:
        changes: list[Change] = []
        for item in batch:
            message = item.message
            try:
                changes.extend(project(message.data))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                why = f"not log lines: {error!r}"
                _log.warning("observation parked", position=item.position, subject=message.subject, why=why)
                await park(self._client, "projector", message.subject, message.headers, message.data, why)
        position = batch[-1].position
        await write(connection, changes, self.name, position)
        await self._client.publish(subjects.reached(self.name), str(position).encode())
