"""Gives the log back a tail that it lost and the archive has, or the archive one that the log has (docs/adr/0010)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

from psycopg import AsyncConnection

from antiphon.events.log.nats.restore import survives_restore
from antiphon.events.log.port import MAX_DRAFTS, EventLog, Stored
from antiphon.projections.archive.archive import Archive, Row, stored_of
from antiphon.projections.archive.verification import BrokenArchiveError, lost_of_the_log, verify
from antiphon.projections.core.statements import statements
from antiphon.projections.engine.writer import connect

#: Stores messages with their times right behind a position, all or none; returns the position of the last.
Restore = Callable[[int, Sequence[tuple[Stored, datetime]]], Awaitable[int]]

#: One batch stays in the server's memory until it is whole.
_MOST_BYTES: Final = 1_000_000


class RepairError(Exception):
    """What is wrong cannot be repaired: the message says why."""


class Loser(StrEnum):
    """Which of the two has lost a tail."""

    NOBODY = "nobody"
    LOG = "log"
    ARCHIVE = "archive"


class Loss(NamedTuple):
    """Everything behind `agreed`, up to `last`, is there once only."""

    loser: Loser
    agreed: int
    last: int


async def examine(log: EventLog, postgres_url: str) -> Loss:
    """What is lost; raises RepairError where it is not the tail of one of the two, and the other has it whole."""
    found = await verify(log, postgres_url)
    async with await connect(postgres_url) as connection:
        cursor = await connection.execute("SELECT coalesce(max(position), 0) FROM archive.event")
        row = await cursor.fetchone()
    rows_end = int(row[0]) if row else 0
    if found.difference is None and found.log_position == rows_end:
        return Loss(Loser.NOBODY, found.agreed, found.agreed)
    if rows_end == found.agreed < found.log_position:
        return Loss(Loser.ARCHIVE, found.agreed, found.log_position)
    if found.log_position != found.agreed or rows_end != found.archive_position:
        what = found.difference.what if found.difference else "nobody has what is missing"
        raise RepairError(f"no clean tail is lost: log and archive agree up to {found.agreed}, behind that: {what}")
    try:
        async for lost in lost_of_the_log(postgres_url, found.agreed):
            _check(lost)
    except (BrokenArchiveError, ValueError) as error:
        raise RepairError(f"the archive cannot be trusted with the log's tail: {error}") from error
    return Loss(Loser.LOG, found.agreed, found.archive_position)


def _check(row: Row) -> None:
    if not survives_restore(stored_of(row), row.recorded_at):
        msg = f"position {row.position} would not be read as it was: it has unusual headers"
        raise ValueError(msg)


async def restore_log(postgres_url: str, after: int, restore: Restore) -> int:
    """Publish what the archive has behind a position; what is broken off is gone on with by the next."""
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


async def restore_archive(connection: AsyncConnection[Any], log: EventLog, loss: Loss) -> None:
    """Archive again what the log has; the connection must have the turn of the projection."""
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
