"""Restores a lost tail of the log from the archive, and rows of the archive from the log (docs/adr/0010)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

from psycopg import AsyncConnection

from antiphon.events.log.nats.restore import survives_restore
from antiphon.events.log.port import MAX_DRAFTS, EventLog, Stored
from antiphon.projections.archive.archive import Archive, Row, stored_of
from antiphon.projections.archive.verification import BrokenArchiveError, damaged_rows, lost_of_the_log, verify
from antiphon.projections.core.statements import statements
from antiphon.projections.engine.writer import connect

#: Stores all or none of the messages, with their times, directly after a position; returns the last position.
Restore = Callable[[int, Sequence[tuple[Stored, datetime]]], Awaitable[int]]

#: The server holds a batch in memory until it is complete.
_MOST_BYTES: Final = 1_000_000


class RepairError(Exception):
    """The damage cannot be repaired; the message gives the reason."""


class Loser(StrEnum):
    """The side that has lost something."""

    NOBODY = "nobody"
    LOG = "log"
    ARCHIVE = "archive"


class Loss(NamedTuple):
    """Only one side has the messages after `agreed`, up to `last`; or only the `damaged` ones among them."""

    loser: Loser
    agreed: int
    last: int
    #: Rows of the archive that are not what was archived: changed, or missing before its end.
    damaged: tuple[int, ...] = ()


async def examine(log: EventLog, postgres_url: str) -> Loss:
    """Find what is lost; raises RepairError unless one side lost it and the other side has all of it."""
    found = await verify(log, postgres_url)
    async with await connect(postgres_url) as connection:
        cursor = await connection.execute("SELECT coalesce(max(position), 0) FROM archive.event")
        row = await cursor.fetchone()
    rows_end = int(row[0]) if row else 0
    if found.difference is None and found.log_position == rows_end:
        return Loss(Loser.NOBODY, found.agreed, found.agreed)
    if rows_end == found.agreed < found.log_position:
        return Loss(Loser.ARCHIVE, found.agreed, found.log_position)
    if damaged := await _damaged(log, postgres_url):
        return Loss(Loser.ARCHIVE, found.agreed, damaged[-1], damaged)
    if found.log_position != found.agreed or rows_end != found.archive_position:
        what = found.difference.what if found.difference else "nobody has what is missing"
        raise RepairError(f"no clean tail is lost: log and archive agree up to {found.agreed}, behind that: {what}")
    try:
        async for lost in lost_of_the_log(postgres_url, found.agreed):
            _check(lost)
    except (BrokenArchiveError, ValueError) as error:
        raise RepairError(f"the archive cannot be trusted with the log's tail: {error}") from error
    return Loss(Loser.LOG, found.agreed, found.archive_position)


async def _damaged(log: EventLog, postgres_url: str) -> tuple[int, ...]:
    try:
        return tuple([link.row.position async for link in damaged_rows(log, postgres_url)])
    except BrokenArchiveError:
        # The log is not what was archived.
        return ()


def _check(row: Row) -> None:
    if not survives_restore(stored_of(row), row.recorded_at):
        msg = f"position {row.position} would not be read as it was: it has unusual headers"
        raise ValueError(msg)


async def restore_log(postgres_url: str, after: int, restore: Restore) -> int:
    """Publish the archived messages after a position; after an interruption, the next call continues."""
    position = after
    async for rows in _batches(lost_of_the_log(postgres_url, after)):
        position = await restore(position, [(stored_of(row), row.recorded_at) for row in rows])
        if position != rows[-1].position:
            raise RepairError(f"position {rows[-1].position} came to stand at {position}")
    return position


async def _batches(rows: AsyncIterator[Row]) -> AsyncIterator[list[Row]]:
    batch: list[Row] = []
    size = 0
    async for row in rows:
        if batch and (len(batch) == MAX_DRAFTS or size + len(row.data) > _MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += len(row.data) + len(row.headers)
    if batch:
        yield batch


async def restore_rows(connection: AsyncConnection[Any], log: EventLog, postgres_url: str) -> None:
    """Replace the damaged rows of the archive from the log: all of them, or none if the log changed meanwhile."""
    archive = await Archive.on(connection)
    async with connection.transaction():
        async for link in damaged_rows(log, postgres_url):
            await archive.replace(link)


async def restore_archive(connection: AsyncConnection[Any], log: EventLog, loss: Loss) -> None:
    """Archive the lost tail again from the log; the connection must hold the lock of the projection."""
    async with connection.transaction():
        for name in ("forget_later_months", "shorten_chain"):
            await connection.execute(statements()[name].encode(), {"position": loss.agreed})
    archive = await Archive.on(connection)
    async for batch in log.follow(archive.position, until=loss.last):
        parts = await archive.parts(batch)
        async with connection.transaction():
            for query, parameters in parts:
                await connection.execute(query.encode(), parameters)
        archive.written()
