"""Recognises a log that is not the one in the archive, before anybody decides or serves (docs/adr/0010)."""

from __future__ import annotations

from typing import Any, Final

from psycopg import AsyncConnection

from antiphon.events.log.port import EventLog
from antiphon.projections.archive.archive import Row, row_of
from antiphon.projections.core.migrate import SCHEMA
from antiphon.projections.engine.projection import NAME

_LAST: Final = "SELECT position, recorded_at, subject, headers, data FROM archive.event ORDER BY position DESC LIMIT 1"
_CHECKPOINT: Final = f"SELECT position FROM {SCHEMA}.checkpoint WHERE name = %s"  # noqa: S608  our own name
_MEND: Final = "`antiphon start --role projector` and then `antiphon repair` restore what the archive has"


class OtherLogError(Exception):
    """The log lacks messages that are archived or projected, or has others in their place."""


async def require_same_log(log: EventLog, postgres_url: str) -> None:
    """Compare the end of the log with the archive and the read models.

    Raises OtherLogError if the log ends too early, or has another message where the archive ends: it was lost,
    exchanged, or restored from an older copy. Raises LogUnavailableError and psycopg.Error.
    """
    async with await AsyncConnection.connect(postgres_url) as connection:
        archived = await _first(connection, _LAST)
        projected = await _first(connection, _CHECKPOINT, (NAME,))
    last = Row(*archived) if archived else None
    known = max(last.position if last else 0, projected[0] if projected else 0)
    end = await log.last_position()
    if end < known:
        raise OtherLogError(f"the log ends at position {end}, and position {known} was written once. {_MEND}")
    if last is not None and await _row_at(log, last.position) != last:
        raise OtherLogError(
            f"the log has another message at position {last.position} than its archive: it is another log, or that row"
            " was changed. `antiphon verify` names the first position that differs; put the right log back, or"
            " `antiphon start --role projector` and then `antiphon repair` restore changed rows"
        )


async def _row_at(log: EventLog, position: int) -> Row | None:
    async for batch in log.follow(position - 1, until=position):
        return row_of(batch[0]) if batch[0].position == position else None
    return None


async def _first(connection: AsyncConnection[Any], query: str, parameters: tuple[str, ...] = ()) -> Any:
    return await (await connection.execute(query.encode(), parameters)).fetchone()
