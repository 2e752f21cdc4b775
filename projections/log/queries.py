"""What is asked about log lines."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

from psycopg import AsyncConnection

from projections import selection
from projections.filters.conditions import TRUE, Parameters
from projections.filters.objects import LogFilter
from projections.reading import Row, many

_COLUMNS: Final = "id, created, updated, name, level, message, timestamp, flow_run_id, task_run_id"


class LogSort(StrEnum):
    """Prefect's LogSort."""

    TIMESTAMP_ASC = "TIMESTAMP_ASC"
    TIMESTAMP_DESC = "TIMESTAMP_DESC"


_ORDER: Final = {LogSort.TIMESTAMP_ASC: "timestamp ASC", LogSort.TIMESTAMP_DESC: "timestamp DESC"}


def wire(row: Row) -> Row:
    """A log line as Prefect's API shows it."""
    return row


async def find(
    connection: AsyncConnection[Any], logs: LogFilter | None, sort: LogSort, limit: int, offset: int
) -> bytes:
    """A page of the log lines that meet the filter."""
    parameters = Parameters()
    condition = logs.sql("log", parameters) if logs is not None else TRUE
    found = await selection.select(
        connection, _COLUMNS, "log", condition, parameters, order=_ORDER[sort], limit=limit, offset=offset
    )
    return many(found, wire)
