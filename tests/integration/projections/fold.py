"""The rows that the events of a log make when nothing else is going on: what any read model is compared with."""

from __future__ import annotations

from typing import Any

from psycopg import AsyncConnection

from antiphon.events.log.port import EventLog, Recorded, Unreadable
from antiphon.projections.as_of.keyframes import Keyframes
from antiphon.projections.engine.event_reader import EventReader
from antiphon.projections.engine.runner import Runner
from antiphon.projections.engine.writer import connect
from tests.projection_scenario import Rows, rows_of

#: They follow from OBSERVED, and how far that is.
_NOT_FOLDED = ("log", "checkpoint")


async def folded_rows(log: EventLog, fresh_database_url: str) -> Rows:
    """Every row that follows from the log, made from its beginning in a database of its own."""
    async with await connect(fresh_database_url) as connection:
        runner: Runner[Recorded | Unreadable] = Runner(
            connection, "events", EventReader({}), 0, keyframes=Keyframes(connection)
        )
        async for batch in log.follow(0, until=await log.last_position()):
            await runner.advance(batch)
        return await _rows(connection)


async def shown_rows(postgres_url: str) -> Rows:
    """Every row that a database shows of the log."""
    async with await connect(postgres_url) as connection:
        return await _rows(connection)


async def _rows(connection: AsyncConnection[Any]) -> Rows:
    return {table: rows for table, rows in (await rows_of(connection)).items() if table not in _NOT_FOLDED}
