"""Projects parked event streams again, on request (docs/adr/0006)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import orjson
import psycopg
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg

from antiphon.events import subjects
from antiphon.events.errors import UndecodableError
from antiphon.events.log.errors import LogUnavailableError
from antiphon.events.log.nats.jetstream import JetStreamLog
from antiphon.events.log.port import Recorded, Unreadable
from antiphon.events.subjects import Aggregate
from antiphon.projections.engine.event_reader import EventReader
from antiphon.projections.engine.runner import Runner

#: `evt.<kind>.<id>`
_TOKENS: Final = 3

_log = structlog.get_logger(__name__)


class Unparking:
    """Projects a parked event stream, between two batches of the loop."""

    def __init__(
        self, log: JetStreamLog, reader: EventReader, runner: Runner[Recorded | Unreadable], writing: asyncio.Lock
    ) -> None:
        self._log = log
        self._reader = reader
        self._runner = runner
        self._writing = writing

    async def go_on(self, stream: str) -> dict[str, Any]:
        """Project an event stream from its parked event on, in one transaction."""
        aggregate = _aggregate(stream)
        async with self._writing:
            first = self._reader.waiting_from(stream)
            if first is None or aggregate is None:
                return {"error": f"the event stream {stream} does not wait"}
            try:
                items = await self._waiting(aggregate, first)
                await self._runner.rewrite(self._reader.again(stream, items))
            except (UndecodableError, LogUnavailableError, psycopg.Error) as error:
                return {"error": f"{stream} still waits: {str(error).strip()}"}
            self._reader.go_on(stream)
        _log.info("goes on", event_stream=stream, events=len(items))
        return {"events": len(items)}

    async def _waiting(self, aggregate: Aggregate, first: int) -> Sequence[Recorded | Unreadable]:
        found = await self._log.history(aggregate)
        return [item for item in found if first <= item.position <= self._runner.position]


def _aggregate(stream: str) -> Aggregate | None:
    """The aggregate of an event stream; None for a subject of another form."""
    tokens = stream.split(".")
    aggregate = Aggregate(tokens[1], tokens[2]) if len(tokens) == _TOKENS else None
    return aggregate if aggregate and subjects.event_stream(aggregate) == f"{stream}.>" else None


@asynccontextmanager
async def unparking(client: Client, projection: str, work: Unparking) -> AsyncIterator[None]:
    """Answer requests to unpark an event stream until the block ends."""

    async def answer(message: Msg) -> None:
        done = await work.go_on(message.data.decode(errors="replace"))
        await message.respond(orjson.dumps(done))

    subscription = await client.subscribe(subjects.projection_unpark(projection), cb=answer)
    try:
        yield
    finally:
        if not client.is_closed:
            await subscription.unsubscribe()
