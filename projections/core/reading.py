"""Reads rows as the bytes of Prefect's JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

import orjson
from psycopg import AsyncConnection
from psycopg.adapt import Buffer, Loader
from psycopg.pq import Format
from psycopg.rows import AsyncRowFactory, TupleRow, dict_row, tuple_row

from antiphon.projections.core.migrate import look_in

Row = dict[str, Any]
T = TypeVar("T")

#: The largest offset or limit that PostgreSQL accepts.
LARGEST: Final = 2**63 - 1

_OPTIONS: Final = orjson.OPT_UTC_Z


class _Verbatim(Loader):
    """Copies JSON columns into responses without parsing them."""

    format = Format.BINARY

    def load(self, data: Buffer) -> Any:
        """The JSON text, marked for orjson."""
        return orjson.Fragment(bytes(data))


class _VerbatimBehindVersion(_Verbatim):
    def load(self, data: Buffer) -> Any:
        # The first byte of a binary jsonb value is the version of its format.
        return orjson.Fragment(bytes(data[1:]))


def load_json_verbatim(connection: AsyncConnection[Any]) -> None:
    """Make a connection return JSON columns as fragments that `encoded` copies."""
    connection.adapters.register_loader("json", _Verbatim)
    connection.adapters.register_loader("jsonb", _VerbatimBehindVersion)


def offset_of(page: int, limit: int) -> int:
    """The offset of a page, counted from 1; at most the largest offset that PostgreSQL accepts."""
    return min((page - 1) * limit, LARGEST)


async def configure(connection: AsyncConnection[Any], timeout_seconds: float = 30.0) -> None:
    """Configure a read-only connection; PostgreSQL cancels a query after the time-out (QueryCanceled)."""
    load_json_verbatim(connection)
    await connection.set_autocommit(True)
    await look_in(connection)
    await connection.execute("SET timezone TO 'UTC'")
    await connection.execute("SET default_transaction_read_only TO on")
    # Pages are in memory or on an SSD: a random read costs little more than a sequential one.
    await connection.execute("SET random_page_cost TO 1.1")
    # Zero would switch the time-out off.
    milliseconds = max(1, round(timeout_seconds * 1000))
    await connection.execute(f"SET statement_timeout TO {milliseconds}".encode())


async def rows(
    connection: AsyncConnection[Any], query: str, parameters: Mapping[str, Any], *, prepare: bool = False
) -> list[Row]:
    """The rows of a query. Set `prepare` if the best plan does not depend on the parameters."""
    return await _fetched(connection, query, parameters, dict_row, prepare=prepare)


async def records(
    connection: AsyncConnection[Any], query: str, parameters: Mapping[str, Any], *, prepare: bool = False
) -> list[TupleRow]:
    """The rows of a query as tuples, which are faster than dictionaries."""
    return await _fetched(connection, query, parameters, tuple_row, prepare=prepare)


async def _fetched(
    connection: AsyncConnection[Any],
    query: str,
    parameters: Mapping[str, Any],
    row_factory: AsyncRowFactory[T],
    *,
    prepare: bool,
) -> list[T]:
    # Binary times and ids are faster than text. Filters are not prepared: their best plan depends on their values.
    async with connection.cursor(binary=True, row_factory=row_factory) as cursor:
        await cursor.execute(query.encode(), parameters, prepare=prepare)
        return await cursor.fetchall()


def first_encoded(found: Sequence[Row]) -> bytes | None:
    """The first row as a JSON object, or None."""
    return encoded(found[0]) if found else None


def encoded(value: Any) -> bytes:
    """JSON in Prefect's form: times end in `Z`, and omit a fraction of zero."""
    return orjson.dumps(value, option=_OPTIONS)
