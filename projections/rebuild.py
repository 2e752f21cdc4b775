"""Builds the read models again from the log."""

from __future__ import annotations

from typing import Any, Final

from psycopg import AsyncConnection

from events.log.port import EventLog, Recorded, Unreadable
from projections.event_reader import EventReader
from projections.projection import NAME
from projections.runner import Runner
from projections.statements import statements
from projections.writer import connect, take_turn

_EMPTY: Final = ("empty", "forget_checkpoint")


async def rebuild(log: EventLog, postgres_url: str) -> int:
    """Empty what follows from the log and fill it again; returns the position reached.

    Waits until no projector is at work. Until it ends, readers see what has been built so far. Log lines stay:
    they follow from OBSERVED, which forgets.
    """
    async with await connect(postgres_url) as connection:
        await take_turn(connection, NAME)
        await _empty(connection)
        runner = Runner(connection, NAME, EventReader({}, _is_parked_already), 0)
        async for batch in log.follow(0, until=await log.last_position()):
            await runner.advance(batch)
        return runner.position


async def _empty(connection: AsyncConnection[Any]) -> None:
    async with connection.transaction():
        for name in _EMPTY:
            await connection.execute(statements()[name], {"name": NAME})


async def _is_parked_already(item: Recorded | Unreadable, why: str) -> None:
    """An event that cannot be projected was parked when it was met for the first time."""
