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
from antiphon.events.log.nats.parking import Parking, unhandled
from antiphon.events.unhandled import Reason, Unhandled
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
        self._parking = Parking(client, kind.role)
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
            reader = _ObservationReader(self._parking, self._kind, self.tally)
            runner: Runner[Delivered] = Runner(connection, self.name, reader, after)
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


class _ObservationReader:
    """A `Reader` of observations (antiphon.projections.engine.runner)."""

    def __init__(self, parking: Parking, kind: ObservationKind, tally: WorkCounters) -> None:
        self._parking = parking
        self._kind = kind
        self._tally = tally
        #: By position: a batch whose write failed is read again.
        self._aside: dict[int, Unhandled] = {}
        self._stored: frozenset[int] = frozenset()

    def changes(self, item: Delivered) -> Sequence[Change]:
        """See Reader."""
        try:
            return self._kind.project(item.data)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return self.put_aside(item, Reason.UNREADABLE, f"it cannot be read: {error!r}")

    def put_aside(self, item: Delivered, reason: Reason, why: str) -> Sequence[Change]:
        """See Reader."""
        if item.position not in self._stored:
            self._aside[item.position] = unhandled(item, reason, why)
        return ()

    async def store_aside(self) -> None:
        """See Reader."""
        for position, aside in self._aside.items():
            self._tally.fail(aside.error)
            _log.warning("observation parked", position=position, subject=aside.subject, why=aside.error)
        await self._parking.park(self._aside.values())
        self._stored, self._aside = frozenset(self._aside), {}


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
