"""Projects observations of some kinds: commit rows and checkpoint, then announce the position."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple

import psycopg
import structlog
from nats.aio.client import Client

from antiphon.events import subjects
from antiphon.events.log.nats.consumer import OrderedConsumer
from antiphon.events.log.nats.delivered import Delivered
from antiphon.events.log.nats.parking import park
from antiphon.projections.core.change import Change
from antiphon.projections.engine.runner import Runner
from antiphon.projections.engine.writer import acquire_lock, connect, is_passing, position_of, write
from antiphon.projections.event import projection as event
from antiphon.projections.log import projection as log
from antiphon.projections.presence import projection as presence
from antiphon.services.runtime import clock
from antiphon.services.runtime.work_counters import WorkCounters

_FIRST_PAUSE_SECONDS: Final = 0.2
_LONGEST_PAUSE_SECONDS: Final = 5.0

_log = structlog.get_logger(__name__)


class ObservationKind(NamedTuple):
    """Observations with a projection and a checkpoint of their own."""

    #: The name of its checkpoint and of its lock.
    name: str
    #: The kinds in the subjects of the observations.
    tokens: Sequence[str]
    project: Callable[[bytes], Sequence[Change]]
    #: The process that projects them.
    role: str = "projector"
    #: The pause after each batch: larger batches cost less.
    rest_seconds: float = 0.0


LOG_LINES: Final = ObservationKind("observed", ("log",), log.project)
PRESENCE: Final = ObservationKind(presence.NAME, ("presence",), presence.project)
#: No query waits for these events: the recorder projects them, so that they do not delay the projector.
EVENTS: Final = ObservationKind(
    event.NAME, ("flow_run", "task_run", "other"), event.project, "recorder", rest_seconds=0.25
)
KINDS: Final = (LOG_LINES, PRESENCE, EVENTS)


class ObservationLoop:
    """Reads observations of one kind from OBSERVED, and writes their tables."""

    def __init__(self, client: Client, postgres_url: str, kind: ObservationKind) -> None:
        self._client = client
        self._postgres_url = postgres_url
        self._kind = kind
        self.name = kind.name
        self.subjects = [subjects.observations(token) for token in kind.tokens]
        self.tally = WorkCounters()

    async def run(self) -> None:
        """Project from the checkpoint on; raises psycopg.Error if PostgreSQL fails."""
        async with await connect(self._postgres_url) as connection:
            await acquire_lock(connection, self.name)
            after = await position_of(connection, self.name)
            # Queries need a checkpoint even before the first observation.
            await write(connection, [], self.name, after)
            _log.info("projects", projection=self.name, stream=subjects.OBSERVED, after=after)
            consumer = OrderedConsumer(self._client, subjects.OBSERVED, after=after, subjects=self.subjects)
            runner: Runner[Delivered] = Runner(connection, self.name, self, after)
            try:
                async for batch in consumer.batches():
                    began = clock.monotonic()
                    await runner.advance(batch)
                    await self._client.publish(subjects.projection_committed(self.name), str(runner.position).encode())
                    self.tally.add(len(batch), clock.monotonic() - began)
                    self.tally.data["position"] = runner.position
                    await asyncio.sleep(self._kind.rest_seconds)
            finally:
                await consumer.close()

    async def changes(self, item: Delivered) -> Sequence[Change]:
        """See antiphon.projections.engine.runner.Reader."""
        try:
            return self._kind.project(item.data)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return await self.put_aside(item, f"it cannot be read: {error!r}")

    async def put_aside(self, item: Delivered, why: str) -> Sequence[Change]:
        """See antiphon.projections.engine.runner.Reader."""
        self.tally.fail(why)
        _log.warning("observation parked", position=item.position, subject=item.subject, why=why)
        message_id = f"{subjects.OBSERVED}:{item.position}"
        await park(self._client, self._kind.role, item.subject, item.headers, item.data, why, message_id=message_id)
        return ()


async def keep_running(name: str, loop: Callable[[], Awaitable[None]]) -> None:
    """Restart a loop after a failure of PostgreSQL; the loop continues after its checkpoint."""
    pause = _FIRST_PAUSE_SECONDS
    while True:
        started = clock.monotonic()
        try:
            await loop()
        except psycopg.Error as error:
            if not is_passing(error):
                raise
            if clock.monotonic() - started > _LONGEST_PAUSE_SECONDS:
                # The loop ran for a while: reset the pause.
                pause = _FIRST_PAUSE_SECONDS
            _log.warning("PostgreSQL is away", projection=name, error=str(error).strip(), pause_seconds=pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
