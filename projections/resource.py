"""The queries on one kind of object, from a declaration of its table, columns and orders."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

from psycopg import AsyncConnection

from antiphon.projections.core.reading import LARGEST, Row, encoded, first_encoded, records, rows
from antiphon.projections.filters.conditions import TRUE, Parameters, joined
from antiphon.projections.filters.criteria import Criteria
from antiphon.projections.search import by_state, names
from antiphon.projections.sums import rollups, subflows
from antiphon.projections.sums.rollups import COUNTS
from antiphon.projections.sums.windows import Window

S = TypeVar("S", bound=StrEnum)

#: From this offset on, a query first finds the ids of a page: PostgreSQL skips ids faster than rows.
_DEEP: Final = 1000


def plain(names: str, table: str | None = None) -> dict[str, str]:
    """The SQL of plain columns; `names` separates them with spaces."""
    return {name: name if table is None else f"{table}.{name}" for name in names.split()}


def selected(columns: Mapping[str, str]) -> str:
    """The select list of columns."""
    return ", ".join(sql if sql == name else f"{sql} AS {name}" for name, sql in columns.items())


@dataclass(frozen=True, kw_only=True)
class Resource(Generic[S]):
    """Rows of one table in the form of Prefect's API. Queries are constant texts; all values are bound."""

    table: str
    #: The columns and their SQL, in the order of Prefect's model.
    columns: Mapping[str, str]
    #: The orders: `NAME_DESC` sorts by the column `name`, unless `sort_columns` has other columns for `NAME`.
    sort: type[S]
    default_sort: S
    sort_columns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    #: The columns in a response of `paginate`; None for all columns.
    in_pages: Sequence[str] | None = None
    #: The joins with other tables, if the table lacks some of the columns.
    joined_with: str = ""
    #: Converts a row to Prefect's model, if its columns differ from the model.
    shaped: Callable[[Row], Row] = lambda row: row

    async def get(self, connection: AsyncConnection[Any], row_id: UUID) -> bytes | None:
        """The object with this id, or None."""
        return first_encoded(await self.select_ids(connection, [row_id]))

    async def select_ids(self, connection: AsyncConnection[Any], row_ids: Sequence[UUID]) -> list[Row]:
        """The rows with these ids."""
        parameters = Parameters()
        by_id = f"{self.table}.id = ANY ({parameters.bind(list(row_ids))})"
        return await self.select(connection, joined([by_id, Criteria().on(self.table, parameters)]), parameters)

    async def find(
        self,
        connection: AsyncConnection[Any],
        criteria: Criteria,
        sort: S,
        limit: int,
        offset: int,
        *,
        in_page: bool = False,
    ) -> bytes:
        """A page of the objects that meet the criteria."""
        found = await self._latest_named(connection, criteria, sort, limit, offset)
        if found is None:
            parameters = rollups.parameters_on(connection)
            page, source = self.page(sort, limit, offset, parameters), None
            if sort.name == "ID_DESC":
                source = by_state.latest(self.table, criteria, min(offset + limit, LARGEST), parameters)
            condition = TRUE if source else self._condition(criteria, parameters)
            if offset >= _DEEP and not source:
                ids = f"SELECT {self.table}.id FROM {self.table} WHERE {condition}{page}"  # noqa: S608  our own text
                condition, page = f"{self.table}.id IN ({ids})", self._order(sort)
            found = await self.select(connection, condition, parameters, page, source)
        shown = self.in_pages if in_page else None
        return encoded(found if shown is None else [{name: row[name] for name in shown} for row in found])

    async def _latest_named(
        self, connection: AsyncConnection[Any], criteria: Criteria, sort: S, limit: int, offset: int
    ) -> list[Row] | None:
        """A page of a search by a part of a name, if the latest names contain enough matches; None otherwise."""
        part = self._part_of_name(criteria) if sort.name == "ID_DESC" else None
        if part is None:
            return None
        parameters = rollups.parameters_on(connection)
        source = names.latest(part, min(offset + limit, LARGEST), parameters)
        condition, page = criteria.on(self.table, parameters), self.page(sort, limit, offset, parameters)
        found = await self.select(connection, condition, parameters, page, source)
        return None if len(found) < limit else found

    async def ids(self, connection: AsyncConnection[Any], criteria: Criteria, limit: int) -> list[UUID]:
        """The ids of objects that meet the criteria, in descending order."""
        parameters = rollups.parameters_on(connection)
        condition = criteria.on(self.table, parameters)
        query = f"SELECT id FROM {self.table} WHERE {condition} ORDER BY id DESC LIMIT {parameters.bind(limit)}"  # noqa: S608
        return [row["id"] for row in await rows(connection, query, parameters.values)]

    async def count(self, connection: AsyncConnection[Any], criteria: Criteria) -> int:
        """The number of objects that meet the criteria."""
        parameters = rollups.parameters_on(connection)
        number, is_summed = self._number(connection, criteria, parameters)
        left_out = subflows.left_out(self.table, criteria)
        if left_out is not None:
            (everything, is_all_summed), (others, _) = (self._number(connection, each, parameters) for each in left_out)
            number = f"SELECT ({everything}) - ({others})" if is_all_summed else number
        found = await records(connection, number, parameters.values, prepare=is_summed)
        return int(found[0][0])

    def _number(self, connection: AsyncConnection[Any], criteria: Criteria, parameters: Parameters) -> tuple[str, bool]:
        """A query for the number, and whether it reads sums only."""
        are_kept = rollups.are_kept(connection)
        window = Window.asked_for(criteria) if are_kept and self.table == "flow_run" else None
        rollup = COUNTS.get(self.table) if are_kept else None
        if window is not None:
            return f"SELECT coalesce(sum(runs), 0)::bigint FROM {window.runs(parameters)}", True  # noqa: S608
        condition = self._condition(criteria, parameters)
        if rollup is not None and rollup.answers(criteria):
            return f"SELECT coalesce(sum(runs), 0)::bigint FROM {rollup.source} WHERE {condition}", True  # noqa: S608
        return f"SELECT count(*) FROM {self.table} WHERE {condition}", False  # noqa: S608

    async def select(
        self,
        connection: AsyncConnection[Any],
        condition: str,
        parameters: Parameters,
        page: str = "",
        source: str | None = None,
    ) -> list[Row]:
        """The rows that meet a condition; `source` replaces the table in the FROM clause."""
        query = f"SELECT {selected(self.columns)} FROM {source or self.table}{self.joined_with} WHERE {condition}{page}"  # noqa: S608
        return [self.shaped(row) for row in await rows(connection, query, parameters.values)]

    def _part_of_name(self, criteria: Criteria) -> str | None:
        return names.part_asked_for(criteria) if self.table == "flow_run" else None

    def _condition(self, criteria: Criteria, parameters: Parameters) -> str:
        """The condition of the criteria; a part of a name is searched in the table of names."""
        condition, part = criteria.on(self.table, parameters), self._part_of_name(criteria)
        return condition if part is None else joined([condition, names.among_all(part, parameters)])

    def page(self, sort: S, limit: int, offset: int, parameters: Parameters) -> str:
        """ORDER BY, LIMIT and OFFSET of a page; as in Prefect, equal rows have no fixed order."""
        return f"{self._order(sort)} LIMIT {parameters.bind(limit)} OFFSET {parameters.bind(offset)}"

    def _order(self, sort: S) -> str:
        column, _, direction = sort.name.rpartition("_")
        columns = self.sort_columns.get(column, (column.lower(),))
        return " ORDER BY " + ", ".join(f"{each} {direction}" for each in columns)


@dataclass(frozen=True)
class StateHistory:
    """The past and present states of runs of one kind."""

    table: str
    run: str

    async def get(self, connection: AsyncConnection[Any], state_id: UUID) -> bytes | None:
        """A state by its id, or None."""
        query = f"SELECT state FROM {self.table} WHERE id = %(id)s"  # noqa: S608  our own names
        found = await rows(connection, query, {"id": state_id})
        return encoded(found[0]["state"]) if found else None

    async def of_run(self, connection: AsyncConnection[Any], run_id: UUID) -> bytes:
        """All states of a run, the oldest first."""
        return encoded(await self.rows_of_run(connection, run_id))

    async def rows_of_run(self, connection: AsyncConnection[Any], run_id: UUID) -> list[Any]:
        """All states of a run before encoding, the oldest first."""
        query = f"SELECT state FROM {self.table} WHERE {self.run} = %(id)s ORDER BY timestamp"  # noqa: S608
        return [row["state"] for row in await rows(connection, query, {"id": run_id})]
