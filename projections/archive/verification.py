"""Compares the log with the archive, position by position, and verifies the archive's chain of hashes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NamedTuple

from psycopg import AsyncConnection, IsolationLevel

from antiphon.events.log.port import EventLog, Recorded, Unreadable
from antiphon.projections.archive.archive import GENESIS, Link, Row, month_of, row_of

_ROWS: Final = (
    "SELECT position, recorded_at, subject, headers, data, hash, month FROM archive.event ORDER BY position, month"
)
_CHAIN: Final = "SELECT month, genesis, first_position, position, hash FROM archive.chain ORDER BY month"
_PAGE: Final = 500


class _Head(NamedTuple):
    month: date
    genesis: bytes
    first: int
    position: int
    hash: bytes


class Known(NamedTuple):
    """A hash in hexadecimal form that an operator noted at a position."""

    position: int
    hash: str


@dataclass(frozen=True, slots=True)
class Difference:
    """The first position at which log and archive differ, or the chain is broken."""

    position: int
    what: str


@dataclass(frozen=True, slots=True)
class Verified:
    """The result of a verification."""

    #: The last positions of the log and of the archive when the comparison began.
    log_position: int
    archive_position: int
    #: Log and archive agree up to this position.
    agreed: int
    #: The hash of the last row that agrees: a copy of it elsewhere proves all rows up to it.
    head: str
    difference: Difference | None


class _Differs(Exception):  # noqa: N818  no error: the result of a search
    def __init__(self, position: int, what: str) -> None:
        super().__init__(what)
        self.difference = Difference(position, what)


class BrokenArchiveError(Exception):
    """The archive contradicts its own chain of hashes."""

    def __init__(self, difference: Difference) -> None:
        super().__init__(f"position {difference.position}: {difference.what}")
        self.difference = difference


async def verify(
    log: EventLog,
    postgres_url: str,
    progress: Callable[[int, int], None] | None = None,
    known: Known | None = None,
) -> Verified:
    """Compare all archived positions; calls `progress` with the number of compared positions and of all.

    The chain must contain the `known` hash: it reveals a change that was made to log, archive and chain alike.
    """
    last = await log.last_position()
    async with _snapshot(postgres_url) as connection:
        heads = await _heads(connection)
        end = heads[-1].position if heads else 0
        walk = _Walk(heads, known)
        difference = None
        try:
            await _compare(log, connection, walk, end, last, progress)
        except _Differs as found:
            difference = found.difference
    return Verified(last, end, walk.position, walk.hash.hex(), difference)


async def lost_of_the_log(postgres_url: str, after: int) -> AsyncIterator[Row]:
    """The rows after the last position that log and archive share; raises BrokenArchiveError if the chain is broken."""
    async with _snapshot(postgres_url) as connection:
        walk = _Walk(await _heads(connection), None)
        async for archived in _archived(connection):
            if archived.row.position != walk.position + 1:
                raise BrokenArchiveError(Difference(walk.position + 1, "it is missing in the archive"))
            try:
                walk.step(archived, archived.row)
            except _Differs as found:
                raise BrokenArchiveError(found.difference) from None
            if archived.row.position > after:
                yield archived.row
        try:
            walk.finish()
        except _Differs as found:
            raise BrokenArchiveError(found.difference) from None


async def damaged_rows(log: EventLog, postgres_url: str) -> AsyncIterator[Link]:
    """The rows that the archive should have where it has others or none.

    Raises BrokenArchiveError at its end unless the log has what was archived: the heads of the chain prove it.
    """
    async with _snapshot(postgres_url) as connection:
        try:
            async for link in _damaged(log, connection, await _heads(connection)):
                yield link
        except _Differs as found:
            raise BrokenArchiveError(found.difference) from None


@asynccontextmanager
async def _snapshot(postgres_url: str) -> AsyncIterator[AsyncConnection[Any]]:
    """A snapshot of rows and chain heads: the projector may write at the same time."""
    async with await AsyncConnection.connect(postgres_url) as connection:
        await connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
        await connection.set_read_only(True)
        await connection.execute("SET LOCAL timezone TO 'UTC'")
        yield connection


async def _compare(
    log: EventLog,
    connection: AsyncConnection[Any],
    walk: _Walk,
    end: int,
    last: int,
    progress: Callable[[int, int], None] | None,
) -> None:
    archived, recorded = _archived(connection), _recorded(log, min(end, last))
    for position in range(1, end + 1):
        row = await anext(archived, None)
        if row is None or row.row.position > position:
            raise _Differs(position, "it is missing in the archive")
        if row.row.position < position:
            raise _Differs(row.row.position, "the archive has a row too many there")
        item = await anext(recorded, None)
        if item is None or item.position != position:
            raise _Differs(position, "it is in the archive, and missing in the log")
        walk.step(row, row_of(item))
        if progress is not None and position % _PAGE == 0:
            progress(position, end)
    surplus = await anext(archived, None)
    if surplus is not None:
        raise _Differs(surplus.row.position, "the archive has a row behind its end")
    walk.finish()


async def _damaged(log: EventLog, connection: AsyncConnection[Any], heads: list[_Head]) -> AsyncIterator[Link]:
    walk, month = _Walk(heads, None), date.min
    end = heads[-1].position if heads else 0
    archived = _archived(connection)
    present = await anext(archived, None)
    # The log may have lost its tail: its next message would be waited for.
    async for item in _recorded(log, min(end, await log.last_position())):
        row = row_of(item)
        if row.position != walk.position + 1:
            break
        month = month_of(row, month)
        link = Link(row, row.hash_after(walk.hash), month)
        walk.step(link, row)
        found = []
        while present is not None and present.row.position == row.position:
            found.append(present)
            present = await anext(archived, None)
        if found != [link]:
            yield link
    if walk.position < end:
        raise _Differs(walk.position + 1, "it is missing in the log")
    walk.finish()
    if present is not None:
        raise _Differs(present.row.position, "the archive has a row too many there")


async def _heads(connection: AsyncConnection[Any]) -> list[_Head]:
    return [_Head(*found) for found in await (await connection.execute(_CHAIN)).fetchall()]


async def _archived(connection: AsyncConnection[Any]) -> AsyncIterator[Link]:
    async with connection.cursor("rows") as cursor:
        cursor.itersize = _PAGE
        await cursor.execute(_ROWS)
        async for *row, hash_, month in cursor:
            yield Link(Row(*row), hash_, month)


async def _recorded(log: EventLog, until: int) -> AsyncIterator[Recorded | Unreadable]:
    async for batch in log.follow(0, until=until):
        for item in batch:
            yield item


class _Walk:
    """Follows the chain of hashes, and remembers the last valid position."""

    def __init__(self, heads: list[_Head], known: Known | None) -> None:
        self._known = known
        self._heads = {head.month: head for head in heads}
        self._month: date | None = None
        self.position = 0
        self.hash = GENESIS

    def step(self, archived: Link, recorded: Row) -> None:
        """Verify the next position; raises _Differs."""
        position = recorded.position
        if archived.month != self._month:
            self._leave()
            self._enter(archived.month, position)
        fits = archived.row.hash_after(self.hash) == archived.hash
        if archived.row != recorded:
            names = [name for name in Row._fields if getattr(archived.row, name) != getattr(recorded, name)]
            if fits:
                blame = "the archive's row is what its hash says"
            elif recorded.hash_after(self.hash) == archived.hash:
                blame = "the archive's hash is that of the log's message: the archive was changed"
            else:
                blame = "the archive's hash is neither's"
            raise _Differs(position, f"log and archive differ in {', '.join(names)}; {blame}")
        if not fits:
            raise _Differs(position, "its hash does not follow from the one before it: the chain is broken")
        self.position, self.hash = position, archived.hash
        if self._known is not None and self._known.position == position and self._known.hash != archived.hash.hex():
            raise _Differs(position, "its hash is not the one that was known: something up to here was changed")

    def finish(self) -> None:
        """Verify the end of the chain after the last row; raises _Differs."""
        self._leave()
        if self._heads:
            month, head = next(iter(self._heads.items()))
            raise _Differs(head.first, f"the archive has lost its rows of {month:%B %Y}")
        if self._known is not None and self._known.position > self.position:
            raise _Differs(self.position + 1, "the archive ends before the position that was known")

    def _enter(self, month: date, position: int) -> None:
        head = self._heads.get(month)
        if head is None or (head.first, head.genesis) != (position, self.hash):
            raise _Differs(position, f"the rows of {month:%B %Y} do not begin where the archive's chain says")
        self._month = month

    def _leave(self) -> None:
        if self._month is None:
            return
        head = self._heads.pop(self._month)
        if (head.position, head.hash) != (self.position, self.hash):
            raise _Differs(self.position, f"the rows of {head.month:%B %Y} do not end where the archive's chain says")
