"""Rebuilds the read models from the log in a second schema, and exchanges the schemas (docs/adr/0007)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any, Final, NamedTuple

from psycopg import AsyncConnection

from antiphon.events.log.port import EventLog, Recorded, Unreadable
from antiphon.projections.as_of.keyframes import Keyframes
from antiphon.projections.core.migrate import SCHEMA, VERSION
from antiphon.projections.engine.event_reader import EventReader
from antiphon.projections.engine.parked_streams import parked_positions
from antiphon.projections.engine.projection import NAME
from antiphon.projections.engine.runner import Runner
from antiphon.projections.engine.writer import connect, position_of, try_lock
from antiphon.projections.rebuild import shadow_schema
from antiphon.projections.rebuild.projector_lock import RequestHandover, hold_lock, no_holder
from antiphon.projections.rebuild.reading_ahead import ahead

#: A rebuild that has no more events left than this has caught up; it projects them under the projector's lock.
_NEAR: Final = 500
_REBUILD: Final = "rebuild"


class RebuildError(Exception):
    """The read models cannot be rebuilt now; the message says why."""


class RebuildProgress(NamedTuple):
    """The progress of a rebuild."""

    position: int
    #: The last position of the log at the last look.
    last: int


class Rebuild:
    """One rebuild."""

    def __init__(
        self,
        log: EventLog,
        postgres_url: str,
        *,
        request_handover: RequestHandover = no_holder,
        progress: Callable[[RebuildProgress], None] = lambda _: None,
    ) -> None:
        self._log = log
        self._postgres_url = postgres_url
        #: Asks the projector to release its lock.
        self._request_handover = request_handover
        self._progress = progress

    async def run(self, *, keep_old: bool = False) -> int:
        """Fill new tables and exchange them for the live ones, which are read and written until then.

        Returns the position reached. The next rebuild continues an interrupted one. Raises RebuildError when another
        rebuild runs, or when a newer version built the live rows.
        """
        async with self._building() as connection:
            live = await shadow_schema.built(connection, SCHEMA)
            if live is not None and live.version > VERSION:
                raise RebuildError(f"version {live.version} built the live read models, and this is version {VERSION}")
            await shadow_schema.drop(connection, shadow_schema.OLD)
            after = await shadow_schema.begin(connection, self._postgres_url, await self._log.last_position())
            reader = EventReader(await parked_positions(connection))
            runner: Runner[Recorded | Unreadable] = Runner(
                connection, NAME, reader, after, keyframes=Keyframes(connection)
            )
            await self._catch_up(runner)
            await shadow_schema.analyze(connection)
            async with hold_lock(connection, NAME, self._request_handover):
                await self._follow(runner, await self._log.last_position())
                await self._check(runner.position)
                await shadow_schema.switch(connection)
            if not keep_old:
                await shadow_schema.drop(connection, shadow_schema.OLD)
            return runner.position

    async def discard(self) -> int | None:
        """Drop an interrupted rebuild and the old tables that were kept; returns its position, if there was one."""
        async with self._building() as connection:
            left = await shadow_schema.built(connection, shadow_schema.NEXT)
            for schema in (shadow_schema.NEXT, shadow_schema.OLD):
                await shadow_schema.drop(connection, schema)
            return left.position if left else None

    @asynccontextmanager
    async def _building(self) -> AsyncIterator[AsyncConnection[Any]]:
        async with await connect(self._postgres_url, shadow_schema.NEXT) as connection:
            if not await try_lock(connection, _REBUILD):
                raise RebuildError("another rebuild is at work")
            yield connection

    async def _catch_up(self, runner: Runner[Recorded | Unreadable]) -> None:
        while (last := await self._log.last_position()) - runner.position > _NEAR:
            await self._follow(runner, last)

    async def _follow(self, runner: Runner[Recorded | Unreadable], last: int) -> None:
        # The next batch is decoded while PostgreSQL writes this one.
        async with aclosing(ahead(self._log.follow(runner.position, until=last))) as batches:
            async for batch in batches:
                await runner.advance(batch)
                self._progress(RebuildProgress(runner.position, last))

    async def _check(self, position: int) -> None:
        async with await connect(self._postgres_url) as live:
            if (shown := await position_of(live, NAME)) > position:
                raise RebuildError(f"the live read models are at {shown}, and the log ends at {position}")


async def is_outdated(postgres_url: str) -> bool:
    """Whether an older version built the live rows: then they have to be built again.

    Rows of a newer version stay: this process is a left-over, or a step back, and would undo the upgrade.
    """
    async with await connect(postgres_url) as connection:
        query = "SELECT EXISTS (SELECT FROM built WHERE version < %s)"
        return await (await connection.execute(query, (VERSION,))).fetchone() == (True,)
