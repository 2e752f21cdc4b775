"""Reads rows as the bytes of Prefect's JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar
from weakref import WeakKeyDictionary

import orjson
from psycopg import AsyncConnection
from psycopg.adapt import Buffer, Loader
from psycopg.pq import Format
from psycopg.rows import AsyncRowFactory, TupleRow, dict_row, tuple_row

from antiphon.projections.core.migrate import look_in

Row = dict[str, Any]
T = TypeVar("T")

#: What PostgreSQL takes as an offset or a limit.
LARGEST: Final = 2**63 - 1

_OPTIONS: Final = orjson.OPT_UTC_Z

#: A plan that is kept was made for the tables as they were: right after the start that is empty.
_NEW_PLANS: Final = "SET plan_cache_mode TO force_custom_plan; SET enable_seqscan TO on; SET enable_memoize TO on"
#: Where planning takes as long as the rest, an index is right however large a table is, and no row is found twice.
_KEEPING_PLANS: Final = (
    "SET plan_cache_mode TO force_generic_plan; SET enable_seqscan TO off; SET enable_memoize TO off"
)
#: Which connections keep plans at present: most ask several queries of one kind before one of the other.
_keeping: Final[WeakKeyDictionary[AsyncConnection[Any], bool]] = WeakKeyDictionary()


class _Verbatim(Loader):
    """JSON columns go into answers as they are, without being taken apart."""

    format = Format.BINARY

    def load(self, data: Buffer) -> Any:
        """The JSON text, marked for orjson."""
        return orjson.Fragment(bytes(data))


class _VerbatimBehindVersion(_Verbatim):
    def load(self, data: Buffer) -> Any:
        # The first byte is the version of the format.
        return orjson.Fragment(bytes(data[1:]))


def give_json_verbatim(connection: AsyncConnection[Any]) -> None:
    """Have a connection hand JSON out as `encoded` takes it."""
    connection.adapters.register_loader("json", _Verbatim)
    connection.adapters.register_loader("jsonb", _VerbatimBehindVersion)


def offset_of(page: int, limit: int) -> int:
    """Where a page begins, the first being 1; all that are too far away for PostgreSQL begin at the same place."""
    return min((page - 1) * limit, LARGEST)


async def configure(connection: AsyncConnection[Any], timeout_seconds: float = 30.0) -> None:
    """Prepare a connection for reading: read-only; PostgreSQL ends a query that takes longer (QueryCanceled)."""
    give_json_verbatim(connection)
    await connection.set_autocommit(True)
    await look_in(connection)
    await connection.execute("SET timezone TO 'UTC'")
    await connection.execute("SET default_transaction_read_only TO on")
    await connection.execute(_NEW_PLANS)
    _keeping[connection] = False
    # Ids of runs with a tag and those in a state are not spread evenly over each other: the latest are only scheduled.
    await connection.execute("SET enable_mergejoin TO off")
    # Reading a page by an index costs little more than reading the next one: they are in memory, or on an SSD.
    await connection.execute("SET random_page_cost TO 1.1")
    # Zero would be no limit at all.
    milliseconds = max(1, round(timeout_seconds * 1000))
    await connection.execute(f"SET statement_timeout TO {milliseconds}".encode())


async def _plan(connection: AsyncConnection[Any], *, keeps: bool) -> None:
    """Have a connection make a plan for each query anew, or keep those of the queries that it prepares."""
    # It may not be one of those that `configure` has prepared.
    if _keeping.get(connection, keeps) is not keeps:
        await connection.execute(_KEEPING_PLANS if keeps else _NEW_PLANS, prepare=False)
        _keeping[connection] = keeps


async def rows(
    connection: AsyncConnection[Any], query: str, parameters: Mapping[str, Any], *, keeps_plan: bool = False
) -> list[Row]:
    """The rows of a query; one whose rows are all found by an index, whatever its parameters are, may keep its plan."""
    return await _fetched(connection, query, parameters, dict_row, keeps_plan=keeps_plan)


async def records(
    connection: AsyncConnection[Any], query: str, parameters: Mapping[str, Any], *, keeps_plan: bool = False
) -> list[TupleRow]:
    """The same as tuples: less to do where there are many."""
    return await _fetched(connection, query, parameters, tuple_row, keeps_plan=keeps_plan)


async def _fetched(
    connection: AsyncConnection[Any],
    query: str,
    parameters: Mapping[str, Any],
    row_factory: AsyncRowFactory[T],
    *,
    keeps_plan: bool,
) -> list[T]:
    await _plan(connection, keeps=keeps_plan)
    # Times and ids are read, and written by the server, in less time than as text.
    async with connection.cursor(binary=True, row_factory=row_factory) as cursor:
        await cursor.execute(query.encode(), parameters, prepare=keeps_plan or None)
        return await cursor.fetchall()


def first_encoded(found: Sequence[Row]) -> bytes | None:
    """The first row as a JSON object, or None."""
    return encoded(found[0]) if found else None


def encoded(value: Any) -> bytes:
    """JSON as Prefect writes it: times end in `Z`, and have no fraction when it is zero."""
    return orjson.dumps(value, option=_OPTIONS)
