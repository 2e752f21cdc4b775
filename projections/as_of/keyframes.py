"""Positions as of which every row is kept, however it changes later (docs/adr/0009)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, Protocol

from psycopg import AsyncConnection

from antiphon.projections.core.statements import statements
from antiphon.projections.engine.writer import Part

#: How many events there are from one to the next, and a batch more: what an answer about the past is made from.
KEYFRAME_EVENTS: Final = 10_000

#: The setting by which rows know under which keyframe they are written (schema/derived/history.sql).
_SETTING: Final = "antiphon.keyframe"
_CARRY: Final = f"SELECT set_config('{_SETTING}', %(position)s::text, false)"
_LAST: Final = "SELECT coalesce(max(position), 0) FROM keyframe"


class Keyframe(NamedTuple):
    """A position as of which rows are kept; that before the first event is 0."""

    position: int
    recorded_at: datetime


#: Before the first event nothing is there.
BEGINNING: Final = Keyframe(0, datetime.min.replace(tzinfo=UTC))


class Happened(Protocol):
    """A message at its place in the log."""

    @property
    def position(self) -> int:
        """The sequence in the JetStream stream."""

    @property
    def recorded_at(self) -> datetime | None:
        """The log's own clock, if there is one."""


class Keyframes:
    """Those of one writer, who has the turn: it declares them, and its session carries the last one."""

    def __init__(self, connection: AsyncConnection[Any], every: int | None = None) -> None:
        self._connection = connection
        self._every = KEYFRAME_EVENTS if every is None else every
        self._last: int | None = None
        self._next = 0

    async def carry(self) -> int:
        """Have the session carry the last one: nothing is written before that."""
        if self._last is None:
            row = await (await self._connection.execute(_LAST)).fetchone()
            self._last = int(row[0]) if row else 0
            await carry(self._connection, self._last)
        return self._last

    async def parts(self, item: Happened) -> list[Part]:
        """What is to be written last in the transaction that ends with this message, if it is to be one."""
        last = await self.carry()
        if item.recorded_at is None or item.position - last < self._every:
            return []
        self._next = item.position
        given = {"position": item.position, "recorded_at": item.recorded_at}
        # Rows of this transaction are written under the one before: this one sees them.
        return [(statements()["declare_keyframe"], given), (_CARRY, {"position": item.position})]

    def written(self) -> None:
        """What `parts` returned last is committed."""
        self._last = self._next


async def carry(connection: AsyncConnection[Any], position: int) -> None:
    """Have a session write rows under this keyframe."""
    await connection.execute(_CARRY, {"position": position})
