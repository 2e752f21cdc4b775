"""The read models as of a position: events are projected into temporary tables (docs/adr/0009)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from typing import Any, Final, Self

import psycopg
from psycopg import AsyncConnection

from antiphon.events.log.port import Recorded, Unreadable
from antiphon.projections.as_of.keyframes import BEGINNING, Keyframe
from antiphon.projections.as_of.shadow_tables import ShadowTables
from antiphon.projections.core.change import Change
from antiphon.projections.core.migrate import SCHEMA
from antiphon.projections.core.reading import load_json_verbatim
from antiphon.projections.engine.event_reader import EventReader
from antiphon.projections.engine.projection import NAME
from antiphon.projections.engine.runner import Runner
from antiphon.projections.engine.writer import connect
from antiphon.projections.sums import rollups

_READING: Final = (
    "SET LOCAL enable_seqscan TO on",
    "SET LOCAL enable_hashjoin TO on",
    "SET LOCAL enable_mergejoin TO on",
    "SET LOCAL plan_cache_mode TO force_custom_plan",
    "SET LOCAL statement_timeout TO '30s'",
)
#: Identifies the live read models: a rebuild gives the same name to another schema.
_LIVE: Final = "SELECT coalesce(to_regnamespace(%s)::oid::bigint, 0)"
_LATEST: Final = (
    f"SELECT position, recorded_at FROM {SCHEMA}.keyframe WHERE position <= %s ORDER BY position DESC LIMIT 1"  # noqa: S608
)


class GoneError(Exception):
    """A rebuild has replaced the read models that this session was made of: begin another."""


class AsOfSession:
    """A session whose temporary tables hide the read models and show them as of `position`.

    It is read-only: such a session can write to temporary tables alone.
    """

    def __init__(self, runner: _Runner, shadow: ShadowTables, keyframe: Keyframe, made_of: int) -> None:
        self._runner = runner
        self._shadow = shadow
        self._keyframe = keyframe
        self._made_of = made_of
        self._connection = runner.connection
        #: The time at which the log recorded the last event.
        self.recorded_at = keyframe.recorded_at

    @property
    def position(self) -> int:
        """The position of the last event that is shown."""
        return self._runner.position

    @classmethod
    @asynccontextmanager
    async def beginning(cls, postgres_url: str, position: int = 0) -> AsyncIterator[Self]:
        """A session at the last keyframe up to a position, or before the first event."""
        async with await connect(postgres_url) as connection:
            # Before all else, so that a later exchange is noticed.
            made_of = await _live(connection)
            keyframe = await _latest(connection, position)
            shadow = ShadowTables(connection, keyframe.position)
            await shadow.create()
            load_json_verbatim(connection)
            rollups.do_without(connection)
            runner = _Runner(connection, shadow, await shadow.parked(), keyframe.position)
            yield cls(runner, shadow, keyframe, made_of)

    async def leads_to(self, position: int) -> bool:
        """Whether this session reaches a position with the fewest events; if not, begin another."""
        if self.position > position or await _live(self._connection) != self._made_of:
            return False
        return (await _latest(self._connection, position)).position == self._keyframe.position

    async def advance(self, items: Sequence[Recorded | Unreadable]) -> None:
        """Show these later events too; raises GoneError."""
        with _finding_it_gone():
            await self._runner.advance(items)
        self.recorded_at = items[-1].recorded_at or self.recorded_at

    @asynccontextmanager
    async def reading(self, moment: datetime) -> AsyncIterator[AsyncConnection[Any]]:
        """A connection for the usual queries, whose clock shows this moment; raises GoneError."""
        with _finding_it_gone():
            await self._shadow.expose()
        async with self._connection.transaction():
            for setting in _READING:
                await self._connection.execute(setting.encode())
            await self._connection.execute("SELECT set_config('antiphon.moment', %s, true)", (moment.isoformat(),))
            with _finding_it_gone():
                await self._shadow.lock()
            if await _live(self._connection) != self._made_of:
                raise GoneError
            yield self._connection

    @asynccontextmanager
    async def only(self, items: Sequence[Recorded | Unreadable]) -> AsyncIterator[AsyncConnection[Any]]:
        """A connection that shows these events only; the session must show none, and shows none afterwards."""
        async with self._connection.transaction(force_rollback=True):
            if items:
                await _Runner(self._connection, self._shadow, {}, 0).advance(items)
            yield self._connection


class _Runner(Runner[Recorded | Unreadable]):
    """Projects events into the temporary tables."""

    def __init__(
        self, connection: AsyncConnection[Any], shadow: ShadowTables, parked: dict[str, int], after: int
    ) -> None:
        super().__init__(connection, NAME, EventReader(parked), after)
        self.connection = connection
        self._shadow = shadow

    async def _put(self, changes: Sequence[Change], *_: object) -> None:
        await self._shadow.write(changes)


async def _live(connection: AsyncConnection[Any]) -> int:
    row = await (await connection.execute(_LIVE, (SCHEMA,))).fetchone()
    return int(row[0]) if row else 0


async def _latest(connection: AsyncConnection[Any], position: int) -> Keyframe:
    row = await (await connection.execute(_LATEST.encode(), (position,))).fetchone() if position else None
    return Keyframe(*row) if row else BEGINNING


@contextmanager
def _finding_it_gone() -> Iterator[None]:
    try:
        yield
    except (psycopg.errors.UndefinedTable, psycopg.errors.LockNotAvailable) as error:
        raise GoneError from error
