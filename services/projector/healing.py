"""Projects event streams from their parked events on, on request (docs/adr/0003)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import psycopg
import structlog

from antiphon.events import subjects
from antiphon.events.errors import UndecodableError
from antiphon.events.log.errors import LogUnavailableError
from antiphon.events.log.nats.jetstream import JetStreamLog
from antiphon.events.log.port import Recorded, Unreadable
from antiphon.events.projection_messages import Heal, Healed
from antiphon.events.subjects import Aggregate
from antiphon.projections.engine.event_reader import EventReader
from antiphon.projections.engine.runner import Runner
from antiphon.services.projector.later_deletions import LaterDeletions

#: `evt.<kind>.<id>`
_TOKENS: Final = 3

_log = structlog.get_logger(__name__)


class Healing:
    """Projects a parked event stream, between two batches of the loop."""

    def __init__(
        self, log: JetStreamLog, reader: EventReader, runner: Runner[Recorded | Unreadable], writing: asyncio.Lock
    ) -> None:
        self._log = log
        self._reader = reader
        self._runner = runner
        self._writing = writing

    async def heal(self, message: Heal) -> Healed:
        """Project an event stream from its parked event on, all of it or nothing."""
        stream = message.event_stream
        aggregate = _aggregate(stream)
        async with self._writing:
            first = self._reader.waiting_from(stream)
            if first is None or aggregate is None:
                return Healed(error=f"the event stream {stream} does not wait")
            try:
                items = await self._waiting(aggregate, first)
                changes = self._reader.again(stream, items)
                later = LaterDeletions(self._log, first, self._runner.position)
                await self._runner.rewrite([*changes, *await later.effects(aggregate, changes)])
            except (UndecodableError, LogUnavailableError, psycopg.Error) as error:
                return Healed(error=f"{stream} still waits: {str(error).strip()}")
            self._reader.go_on(stream)
        _log.info("healed", event_stream=stream, events=len(items))
        return Healed(events=len(items))

    async def _waiting(self, aggregate: Aggregate, first: int) -> Sequence[Recorded | Unreadable]:
        found = await self._log.history(aggregate)
        return [item for item in found if first <= item.position <= self._runner.position]


def _aggregate(stream: str) -> Aggregate | None:
    """The aggregate of an event stream; None for a subject of another form."""
    tokens = stream.split(".")
    aggregate = Aggregate(tokens[1], tokens[2]) if len(tokens) == _TOKENS else None
    return aggregate if aggregate and subjects.event_stream(aggregate) == f"{stream}.>" else None
