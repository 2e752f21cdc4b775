"""Reads all log lines of a run in pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection

from antiphon.projections.core.reading import Row, rows

_AT_ONCE: Final = 1000

_PAGE: Final = (
    "SELECT id, timestamp, level, flow_run_id, task_run_id, message FROM log"
    " WHERE flow_run_id = %(run)s AND (%(after)s::timestamptz IS NULL OR (timestamp, id) > (%(after)s, %(after_id)s))"
    " ORDER BY timestamp, id LIMIT %(limit)s"
)


async def lines_of(
    reading: Callable[[], AbstractAsyncContextManager[AsyncConnection[Any]]], run_id: UUID
) -> AsyncIterator[list[Row]]:
    """The lines of a flow run in order, in pages. Each page takes a connection, so that a slow reader holds none."""
    after: datetime | None = None
    after_id: UUID | None = None
    while True:
        async with reading() as connection:
            given = {"run": run_id, "after": after, "after_id": after_id, "limit": _AT_ONCE}
            found = await rows(connection, _PAGE, given)
        if found:
            yield found
        if len(found) < _AT_ONCE:
            return
        after, after_id = found[-1]["timestamp"], found[-1]["id"]
