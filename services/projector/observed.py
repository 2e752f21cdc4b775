"""Projects observations of one kind: commit rows and checkpoint, then announce the position."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import structlog
from nats.aio.client import Client

from events import subjects
from events.log.consumer import Delivered, OrderedConsumer
from events.log.parking import park
from projections.change import Change
from projections.log import projection as log
from projections.presence import projection as presence
from projections.runner import Runner
from projections.writer import connect, position_of, take_turn, write
from services.runtime import clock
from services.runtime.tally import Tally

_log = structlog.get_logger(__name__)


class Kind(NamedTuple):
    """A kind of observation that becomes rows."""

    #: Of its checkpoint and its turn.
    name: str
    #: Its token in subjects.
    token: str
    project: Callable[[bytes], Sequence[Change]]


LOG_LINES: Final = Kind("observed", "log", log.project)
PRESENCE: Final = Kind(presence.NAME, "presence", presence.project)


class ObservedLoop:
    """One reader of one kind on OBSERVED, one writer of its tables; each kind has a consumer with one filter."""

    def __init__(self, client: Client, postgres_url: str, kind: Kind) -> None:
        self._client = client
        self._postgres_url = postgres_url
        self._kind = kind
        self.name = kind.name
        self.subject = subjects.observations(kind.token)
        self.tally = Tally()

    async def run(self) -> None:
        """Project from the checkpoint on, until Postgres goes away (psycopg.Error)."""
        async with await connect(self._postgres_url) as connection:
            await take_turn(connection, self.name)
            after = await position_of(connection, self.name)
            # From now on there is a checkpoint to look at, also before the first event.
            await write(connection, [], self.name, after)
            _log.info("projects", projection=self.name, stream=subjects.OBSERVED, after=after)
            consumer = OrderedConsumer(self._client, subjects.OBSERVED, after=after, subjects=[self.subject])
            runner: Runner[Delivered] = Runner(connection, self.name, self, after)
            try:
                async for batch in consumer.batches():
                    began = clock.monotonic()
                    await runner.advance(batch)
                    await self._client.publish(subjects.reached(self.name), str(runner.position).encode())
                    self.tally.add(len(batch), clock.monotonic() - began)
                    self.tally.data["position"] = runner.position
            finally:
                await consumer.close()

    async def changes(self, item: Delivered) -> Sequence[Change]:
        """See projections.runner.Reader."""
        try:
            return self._kind.project(item.message.data)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return await self.put_aside(item, f"it cannot be read: {error!r}")

    async def put_aside(self, item: Delivered, why: str) -> Sequence[Change]:
        """See projections.runner.Reader."""
        message = item.message
        self.tally.fail(why)
        _log.warning("observation parked", position=item.position, subject=message.subject, why=why)
        message_id = f"{subjects.OBSERVED}:{item.position}"
        await park(
            self._client, "projector", message.subject, message.headers, message.data, why, message_id=message_id
        )
        return ()
