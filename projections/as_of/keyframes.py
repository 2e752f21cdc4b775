"""Keyframes: positions as of which the tables keep every row (docs/adr/0009)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, Protocol

from psycopg import AsyncConnection

from antiphon.projections.core.statements import statements
from antiphon.projections.engine.writer import Part

#: The least number of events between two keyframes: a query of the past projects up to this number and a batch.
KEYFRAME_EVENTS: Final = 10_000

#: The session setting with the last keyframe, for the row triggers (schema/derived/history.sql).
_SETTING: Final = "antiphon.keyframe"
_CARRY: Final = f"SELECT set_config('{_SETTING}', %(position)s::text, false)"
_LAST: Final = "SELECT coalesce(max(position), 0) FROM keyframe"


class Keyframe(NamedTuple):
    """A position as of which rows are kept; 0 is the position before the first event."""

    position: int
    recorded_at: datetime


#: The keyframe of the empty tables, before the first event.
BEGINNING: Final = Keyframe(0, datetime.min.replace(tzinfo=UTC))


class Happened(Protocol):
    """A message with its position in the log."""

    @property
    def position(self) -> int:
        """The sequence in the JetStream stream."""

    @property
    def recorded_at(self) -> datetime | None:
        """The time by the log's clock, if it has one."""


class Keyframes:
    """The keyframes of the writer that holds the lock: it declares them, and sets the last one on its session."""

    def __init__(self, connection: AsyncConnection[Any], every: int | None = None) -> None:
        self._connection = connection
        self._every = KEYFRAME_EVENTS if every is None else every
        self._last: int | None = None
        self._next = 0

    async def carry(self) -> int:
        """Set the last keyframe on the session; rows cannot be written without it."""
        if self._last is None:
            row = await (await self._connection.execute(_LAST)).fetchone()
            self._last = int(row[0]) if row else 0
            await carry(self._connection, self._last)
        return self._last

    async def parts(self, item: Happened) -> list[Part]:
        """The final statements of the transaction that ends with this message, if it becomes a keyframe."""
        last = await self.carry()
        if item.recorded_at is None or item.position - last < self._every:
            return []
        self._next = item.position
        given = {"position": item.position, "recorded_at": item.recorded_at}
        # The rows of this transaction have the previous keyframe, so that the new one sees them.
        return [(statements()["declare_keyframe"], given), (_CARRY, {"position": item.position})]

    def written(self) -> None:
        """Called when the last result of `parts` is committed."""
        self._last = self._next


async def carry(connection: AsyncConnection[Any], position: int) -> None:
    """Set the keyframe at a position on a session."""
    await connection.execute(_CARRY, {"position": position})
