"""Projects the log: commit rows and checkpoint, then announce the position."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import structlog
from faststream.nats import NatsBroker
from nats.aio.client import Client
from psycopg import AsyncConnection

from antiphon.events import subjects
from antiphon.events.log.nats.jetstream import JetStreamLog
from antiphon.events.log.port import Recorded, Unreadable
from antiphon.projections.archive.archive import Archive
from antiphon.projections.as_of.keyframes import Keyframes
from antiphon.projections.engine.event_reader import EventReader, stream_of
from antiphon.projections.engine.parked_streams import parked_positions
from antiphon.projections.engine.projection import NAME
from antiphon.projections.engine.runner import Runner
from antiphon.projections.engine.writer import acquire_lock, connect, position_of, write
from antiphon.services.projector.batch_linger import BatchLinger
from antiphon.services.projector.handover import Handover
from antiphon.services.projector.healing import Healing
from antiphon.services.projector.subscribers import Handler, subscribed
from antiphon.services.runtime import clock
from antiphon.services.runtime.work_counters import WorkCounters

if TYPE_CHECKING:
    from antiphon.services.runtime.traces import Traces

_log = structlog.get_logger(__name__)


class EventsLoop:
    """One reader of EVENTS, one writer of its read models."""

    name: Final = NAME
    subject: Final = "evt.>"

    def __init__(self, broker: NatsBroker, client: Client, postgres_url: str, traces: Traces | None = None) -> None:
        self._broker = broker
        self._client = client
        self._postgres_url = postgres_url
        self._traces = traces
        self.tally = WorkCounters()

    async def run(self) -> None:
        """Project from the checkpoint on, until PostgreSQL fails (psycopg.Error) or a rebuild asks for the lock."""
        async with await connect(self._postgres_url) as connection:
            await acquire_lock(connection, self.name)
            after = await position_of(connection, self.name)
            # Readers need a checkpoint, also before the first event.
            await write(connection, [], self.name, after)
            reader = EventReader(await parked_positions(connection), self._note)
            archive = await Archive.on(connection)
            runner = self._runner(connection, reader, after, archive)
            _log.info("projects", projection=self.name, stream=subjects.EVENTS, after=after, archived=archive.position)
            await self._announce(after)
            log, writing = JetStreamLog(self._client), asyncio.Lock()
            linger, handover = BatchLinger(), Handover(self.name, writing)
            handlers: dict[str, Handler] = {
                subjects.projection_hurry(self.name): linger.hurry,
                subjects.projection_heal(self.name): Healing(log, reader, runner, writing).heal,
                subjects.projection_yield(self.name): handover.begin,
            }
            async with subscribed(self._broker, self._client, handlers):
                work = self._follow(log, runner, min(after, archive.position), writing, linger)
                await handover.until_requested(work)

    async def _follow(
        self,
        log: JetStreamLog,
        runner: Runner[Recorded | Unreadable],
        after: int,
        writing: asyncio.Lock,
        linger: BatchLinger,
    ) -> None:
        async for batch in log.follow(after):
            began = clock.monotonic()
            async with writing:
                await runner.advance(batch)
            await self._announce(runner.position)
            self.tally.add(len(batch), clock.monotonic() - began)
            self.tally.data["position"] = runner.position
            await linger.wait(len(batch), runner.position)

    def _runner(
        self, connection: AsyncConnection[Any], reader: EventReader, after: int, archive: Archive
    ) -> Runner[Recorded | Unreadable]:
        keyframes = Keyframes(connection)
        if self._traces is None:
            return Runner(connection, self.name, reader, after, archive, keyframes)
        # See services/runtime/telemetry.py.
        from antiphon.services.projector.traced import TracedRunner

        return TracedRunner(connection, self.name, reader, after, archive, keyframes, traces=self._traces)

    def _note(self, item: Recorded | Unreadable, why: str) -> None:
        self.tally.fail(why)
        _log.warning("event parked", position=item.position, event_stream=stream_of(item), why=why)

    async def _announce(self, position: int) -> None:
        await self._client.publish(subjects.projection_committed(self.name), str(position).encode())
