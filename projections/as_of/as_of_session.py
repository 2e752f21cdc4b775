"""The read models as they were: projected into temporary tables by the same code, asked the same queries (ADR 0020)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from typing import Any, Final, Self

import psycopg
from psycopg import AsyncConnection

from antiphon.events.log.port import Recorded, Unreadable
from antiphon.projections.as_of.keyframes import BEGINNING, Keyframe
from antiphon.projections.as_of.shadow_tables import Overlay
from antiphon.projections.core.change import Change
from antiphon.projections.core.migrate import SCHEMA
from antiphon.projections.core.reading import give_json_verbatim
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
#: What tells the live read models from those that were live before: the name is the same.
_LIVE: Final = "SELECT coalesce(to_regnamespace(%s)::oid::bigint, 0)"
_LATEST: Final = (
    f"SELECT position, recorded_at FROM {SCHEMA}.keyframe WHERE position <= %s ORDER BY position DESC LIMIT 1"  # noqa: S608
)


class GoneError(Exception):
    """A rebuild has exchanged the read models that a past was made of: begin another."""


class Past:
    """A session with temporary tables that hide the read models: for it, they are as they were at `position`.

    It cannot write to anything else: it is read-only, and such a session may write to temporary tables alone.
    """

    def __init__(self, runner: _Runner, overlay: Overlay, keyframe: Keyframe, made_of: int) -> None:
        self._runner = runner
        self._overlay = overlay
        self._keyframe = keyframe
        self._made_of = made_of
        self._connection = runner.connection
        #: When the last event was recorded.
        self.recorded_at = keyframe.recorded_at

    @property
    def position(self) -> int:
        """The last event that is shown."""
        return self._runner.position

    @classmethod
    @asynccontextmanager
    async def beginning(cls, postgres_url: str, position: int = 0) -> AsyncIterator[Self]:
        """At the last keyframe up to a position, or before the first event; until the block ends."""
        async with await connect(postgres_url) as connection:
            # First: what is exchanged from here on is found out.
            made_of = await _live(connection)
            keyframe = await _latest(connection, position)
            overlay = Overlay(connection, keyframe.position)
            await overlay.lay()
            give_json_verbatim(connection)
            rollups.do_without(connection)
            runner = _Runner(connection, overlay, await overlay.parked(), keyframe.position)
            yield cls(runner, overlay, keyframe, made_of)

    async def leads_to(self, position: int) -> bool:
        """Whether a position is shown by going on from here, and with the fewest events; if not, begin another."""
        if self.position > position or await _live(self._connection) != self._made_of:
            return False
        return (await _latest(self._connection, position)).position == self._keyframe.position

    async def advance(self, items: Sequence[Recorded | Unreadable]) -> None:
        """Show these events too, whose positions are behind `position`; raises GoneError."""
        with _finding_it_gone():
            await self._runner.advance(items)
        self.recorded_at = items[-1].recorded_at or self.recorded_at

    @asynccontextmanager
    async def reading(self, moment: datetime) -> AsyncIterator[AsyncConnection[Any]]:
        """A connection to ask the usual queries of; for them it is this moment. Raises GoneError before that."""
        with _finding_it_gone():
            await self._overlay.show()
        async with self._connection.transaction():
            for setting in _READING:
                await self._connection.execute(setting.encode())
            await self._connection.execute("SELECT set_config('antiphon.moment', %s, true)", (moment.isoformat(),))
            with _finding_it_gone():
                await self._overlay.hold()
            if await _live(self._connection) != self._made_of:
                raise GoneError
            yield self._connection

    @asynccontextmanager
    async def only(self, items: Sequence[Recorded | Unreadable]) -> AsyncIterator[AsyncConnection[Any]]:
        """A connection to a past in which only these events have happened, where none has yet; afterwards none has."""
        async with self._connection.transaction(force_rollback=True):
            if items:
                await _Runner(self._connection, self._overlay, {}, 0).advance(items)
            yield self._connection


class _Runner(Runner[Recorded | Unreadable]):
    """Carries events into the tables of a past."""

    def __init__(self, connection: AsyncConnection[Any], overlay: Overlay, parked: dict[str, int], after: int) -> None:
        super().__init__(connection, NAME, EventReader(parked, _was_parked), after)
        self.connection = connection
        self._overlay = overlay

    async def _commit(self, changes: Sequence[Change], *_: object) -> None:
        await self._overlay.write(changes)


async def _live(connection: AsyncConnection[Any]) -> int:
    row = await (await connection.execute(_LIVE, (SCHEMA,))).fetchone()
    return int(row[0]) if row else 0


async def _latest(connection: AsyncConnection[Any], position: int) -> Keyframe:
    row = await (await connection.execute(_LATEST.encode(), (position,))).fetchone() if position else None
    return Keyframe(*row) if row else BEGINNING


async def _was_parked(item: Recorded | Unreadable, why: str) -> None:
    """The projector parked it when it met it, and nothing behind it was shown either."""


@contextmanager
def _finding_it_gone() -> Iterator[None]:
    try:
        yield
    except (psycopg.errors.UndefinedTable, psycopg.errors.LockNotAvailable) as error:
        raise GoneError from error
