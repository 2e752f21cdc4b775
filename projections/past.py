"""The read models as they were: projected into temporary tables by the same code, asked the same queries (ADR 0020)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final, Self

from psycopg import AsyncConnection, sql

from events.log.port import Recorded, Unreadable
from projections.event_reader import EventReader
from projections.migrate import OBSERVED, SCHEMA
from projections.projection import NAME
from projections.reading import give_json_verbatim
from projections.runner import Runner
from projections.writer import connect

_TABLES: Final = (
    "SELECT relnamespace::regnamespace::text, relname FROM pg_class WHERE relkind = 'r'"
    " AND relnamespace IN (%s::regnamespace, %s::regnamespace)"
)
#: They keep the sums over runs.
_TRIGGERS: Final = (
    "SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
    " WHERE c.relnamespace = %s::regnamespace AND NOT t.tgisinternal"
)
_READING: Final = (
    "SET LOCAL enable_seqscan TO on",
    "SET LOCAL enable_hashjoin TO on",
    "SET LOCAL enable_mergejoin TO on",
    "SET LOCAL plan_cache_mode TO force_custom_plan",
    "SET LOCAL statement_timeout TO '30s'",
)


class Past:
    """A session with temporary tables that hide the read models: for it, they are as they were at `position`.

    It cannot write to anything else: it is read-only, and such a session may write to temporary tables alone.
    """

    def __init__(self, connection: AsyncConnection[Any], made_of: int) -> None:
        self._connection = connection
        self._made_of = made_of
        self._runner: Runner[Recorded | Unreadable] = _runner(connection)
        #: When the last event was recorded.
        self.recorded_at = datetime.min.replace(tzinfo=UTC)

    @property
    def position(self) -> int:
        """The last event that is shown."""
        return self._runner.position

    @classmethod
    @asynccontextmanager
    async def beginning(cls, postgres_url: str) -> AsyncIterator[Self]:
        """Before the first event; until the block ends."""
        async with await connect(postgres_url) as connection:
            # First: what is exchanged from here on is found out.
            made_of = await _live(connection)
            await _hide_tables(connection)
            give_json_verbatim(connection)
            yield cls(connection, made_of)

    async def is_whole(self) -> bool:
        """Whether the read models whose triggers and functions it has are still there; if not, begin another.

        A rebuild takes them away, from these tables too, and who writes to them is not told.
        """
        return await _live(self._connection) == self._made_of

    async def advance(self, items: Sequence[Recorded | Unreadable]) -> None:
        """Show these events too; their positions are behind `position`."""
        await self._runner.advance(items)
        self.recorded_at = items[-1].recorded_at or self.recorded_at

    @asynccontextmanager
    async def reading(self, moment: datetime) -> AsyncIterator[AsyncConnection[Any]]:
        """A connection to ask the usual queries of; for them it is this moment."""
        async with self._connection.transaction():
            for setting in _READING:
                await self._connection.execute(setting.encode())
            await self._connection.execute("SELECT set_config('antiphon.moment', %s, true)", (moment.isoformat(),))
            yield self._connection

    @asynccontextmanager
    async def only(self, items: Sequence[Recorded | Unreadable]) -> AsyncIterator[AsyncConnection[Any]]:
        """A connection to a past in which only these events have happened, where none has yet; afterwards none has."""
        async with self._connection.transaction(force_rollback=True):
            if items:
                await _runner(self._connection).advance(items)
            yield self._connection


def _runner(connection: AsyncConnection[Any]) -> Runner[Recorded | Unreadable]:
    return Runner(connection, NAME, EventReader({}, _was_parked), 0)


async def _live(connection: AsyncConnection[Any]) -> int:
    """What tells the live read models from those that were live before: the name is the same."""
    query = "SELECT coalesce(to_regnamespace(%s)::oid::bigint, 0)"
    row = await (await connection.execute(query, (SCHEMA,))).fetchone()
    return int(row[0]) if row else 0


async def _was_parked(item: Recorded | Unreadable, why: str) -> None:
    """The projector parked it when it met it, and nothing behind it was shown either."""


async def _hide_tables(connection: AsyncConnection[Any]) -> None:
    # What was observed has no past: it forgets. None of it is shown, rather than what is there now.
    tables = await (await connection.execute(_TABLES, (SCHEMA, OBSERVED))).fetchall()
    triggers = await (await connection.execute(_TRIGGERS, (SCHEMA,))).fetchall()
    async with connection.pipeline(), connection.transaction():
        for schema, table in tables:
            name = sql.Identifier(table)
            like = sql.SQL("CREATE TEMPORARY TABLE {} (LIKE {}.{} INCLUDING ALL)")
            await connection.execute(like.format(name, sql.Identifier(schema), name))
        for (definition,) in triggers:
            await connection.execute(definition.replace(f" ON {SCHEMA}.", " ON pg_temp.", 1).encode())
    # Temporary tables are found first in any case; functions here rather than PostgreSQL's.
    await connection.execute(sql.SQL("SET search_path TO {}, pg_catalog").format(sql.Identifier(SCHEMA)))
    await connection.execute("SET default_transaction_read_only TO on")
