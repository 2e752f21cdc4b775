"""Temporary tables that hide the read models: rows that events after a keyframe changed, over the rows it sees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from psycopg import AsyncConnection

from antiphon.projections.as_of.keyframes import carry
from antiphon.projections.as_of.touched import TOUCHED
from antiphon.projections.core.change import Change, Row, Step, merge
from antiphon.projections.core.migrate import OBSERVED, SCHEMA
from antiphon.projections.core.table import Table
from antiphon.projections.engine.parked_streams import parked_positions
from antiphon.projections.engine.writer import Part, parts

#: Tables, whether they have a history table, their key and their columns.
_TABLES: Final = """
    SELECT c.relname, to_regclass(format('%%I.%%I', n.nspname, c.relname || '_kept')) IS NOT NULL,
        ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = c.oid AND attnum = k.indkey[0]),
        ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped)
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        LEFT JOIN pg_index AS k ON k.indrelid = c.oid AND k.indisprimary
    WHERE c.relkind = 'r' AND n.nspname = %s AND c.relname NOT LIKE '%%\\_kept' ORDER BY c.relname
"""

_LIKE: Final = "CREATE TEMPORARY TABLE {table} (LIKE {schema}.{table} INCLUDING ALL)"

#: For each table: its rows as of the keyframe, the keys of the fetched rows, and the rows to show. The table that is
#: written has the name of the read model during projection, the view that is shown has it during reads.
_BESIDE: Final = (
    "CREATE TEMPORARY VIEW {then} AS"
    " SELECT {columns} FROM {schema}.{table} WHERE {keyframe} > 0 AND since < {keyframe}"
    " UNION ALL SELECT {columns} FROM {schema}.{table}_kept"
    " WHERE {keyframe} > 0 AND since < {keyframe} AND until >= {keyframe}",
    "CREATE TEMPORARY TABLE {fetched} AS SELECT {key} FROM {schema}.{table} WITH NO DATA",
    "ALTER TABLE {fetched} ADD PRIMARY KEY ({key})",
    "CREATE TEMPORARY VIEW {shown} AS"
    " SELECT {columns} FROM {then} AS t WHERE NOT EXISTS (SELECT FROM {fetched} AS f WHERE f.{key} = t.{key})"
    " UNION ALL SELECT {columns} FROM pg_temp.{table}",
)
_SHOW: Final = (
    "ALTER TABLE pg_temp.{table} RENAME TO {changed}",
    "ALTER VIEW pg_temp.{shown} RENAME TO {table}",
)
_HIDE: Final = (
    "ALTER VIEW pg_temp.{table} RENAME TO {shown}",
    "ALTER TABLE pg_temp.{changed} RENAME TO {table}",
)
#: Triggers fill flow_run_name; temporary tables have none.
_NAMES: Final = "CREATE TEMPORARY VIEW flow_run_name AS SELECT id, lower(name) AS lower_name FROM {shown}"

#: Fetches rows that were not fetched yet. `ARRAY` makes PostgreSQL find the keys first, and the rows by an index.
_FETCH: Final = (
    "WITH wanted AS (INSERT INTO {fetched} SELECT {key} FROM {then} AS t WHERE {condition}"
    " ON CONFLICT DO NOTHING RETURNING {key})"
    " INSERT INTO {table} ({columns}) SELECT {columns} FROM {then} WHERE {key} = ANY (ARRAY(SELECT {key} FROM wanted))"
)
_BY_KEY: Final = "{key} = ANY (%(ids)s::uuid[])"


class _Layer(NamedTuple):
    """A table with a history."""

    table: str
    key: str
    columns: Sequence[str]

    def format(self, template: str, **more: str | int) -> bytes:
        """A statement about the table; it contains no values."""
        beside = {name: f"{name}_{self.table}" for name in ("then", "fetched", "shown", "changed")}
        columns = ", ".join(f'"{name}"' for name in self.columns)
        given = {"schema": SCHEMA, "table": self.table, "key": self.key, "columns": columns, **beside, **more}
        return template.format(**given).encode()


class ShadowTables:
    """The temporary tables of one session."""

    def __init__(self, connection: AsyncConnection[Any], keyframe: int) -> None:
        self._connection = connection
        self._keyframe = keyframe
        self._layers: dict[str, _Layer] = {}
        self._is_shown = False

    async def create(self) -> None:
        """Create them: the session then finds the read models as of the keyframe, and can write nothing else."""
        statements: list[bytes] = []
        for schema in (SCHEMA, OBSERVED):
            found = await (await self._connection.execute(_TABLES, (schema,))).fetchall()
            for table, has_past, key, columns in found:
                if table != "flow_run_name":
                    # What was observed has no history: an empty table hides the present rows.
                    statements.append(_LIKE.format(schema=schema, table=table).encode())
                if has_past:
                    self._layers[table] = _Layer(table, key[0], columns)
        for layer in self._layers.values():
            statements += [layer.format(template, keyframe=self._keyframe) for template in _BESIDE]
        statements.append(self._layers["flow_run"].format(_NAMES))
        async with self._connection.pipeline(), self._connection.transaction():
            for statement in statements:
                await self._connection.execute(statement, prepare=False)
            await carry(self._connection, self._keyframe)
        # Temporary tables come first in any case. The functions of the schema replace those of PostgreSQL.
        await self._connection.execute(f"SET search_path TO {SCHEMA}, pg_catalog".encode())
        await self._connection.execute("SET default_transaction_read_only TO on")

    async def parked(self) -> dict[str, int]:
        """The event streams that waited at the keyframe, and the position of the parked event of each."""
        return await parked_positions(self._connection, "then_parked_aggregate")

    async def lock(self) -> None:
        """Lock the read models until the transaction ends.

        Raises psycopg.Error if a rebuild has replaced them or is about to: it may wait for this session, so this
        session does not wait for it.
        """
        below = ", ".join(f"pg_temp.then_{table}" for table in self._layers)
        await self._connection.execute(f"LOCK TABLE {below} IN ACCESS SHARE MODE NOWAIT".encode())

    async def expose(self) -> None:
        """Give the views the names of the tables."""
        await self._rename(_SHOW, is_shown=True)

    async def write(self, changes: Iterable[Change]) -> None:
        """Write changes in one transaction, after fetching the rows that they need."""
        await self._rename(_HIDE, is_shown=False)
        async with self._connection.pipeline(), self._connection.transaction():
            if self._keyframe:
                await self.lock()
            for step in merge(changes):
                for query, parameters in self._in_order(step):
                    await self._connection.execute(query.encode(), parameters)

    async def _rename(self, templates: Sequence[str], *, is_shown: bool) -> None:
        if self._is_shown is is_shown:
            return
        async with self._connection.pipeline(), self._connection.transaction():
            # A read-only transaction may change rows of temporary tables, but not their names.
            await self._connection.execute("SET TRANSACTION READ WRITE")
            for layer in self._layers.values():
                for template in templates:
                    await self._connection.execute(layer.format(template), prepare=False)
        # After ALTER psycopg drops prepared statements with the next statement: this one is not prepared.
        await self._connection.execute("SELECT", prepare=False)
        self._is_shown = is_shown

    def _in_order(self, step: Step) -> Iterator[Part]:
        if self._keyframe:
            for table, rows in (*step.puts.items(), *step.moves.items()):
                yield self._fetch(table.name, _BY_KEY.format(key="id"), {"ids": list(rows)})
            for table, rows in step.puts.items():
                yield from self._looked_for(table, rows)
                yield from self._touched(table.after_put, {"ids": list(rows)})
        yield from parts(Step(step.puts, step.moves))
        if step.statement is not None:
            # After the rows: the statement may need them.
            yield from self._touched(step.statement.name, step.statement.parameters)
            yield from parts(Step(statement=step.statement))

    def _looked_for(self, table: Table, rows: dict[UUID, Row]) -> Iterator[Part]:
        for column, other in (table.looked_for or {}).items():
            ids = {str(row[column]) for row in rows.values() if row[column] is not None}
            yield self._fetch(other, _BY_KEY.format(key="id"), {"ids": sorted(ids)})

    def _touched(self, statement: str | None, parameters: Row) -> Iterator[Part]:
        if statement is not None and self._keyframe:
            for table, condition in TOUCHED.get(statement, ()):
                yield self._fetch(table, condition, parameters)

    def _fetch(self, table: str, condition: str, parameters: Row) -> Part:
        return self._layers[table].format(_FETCH, condition=condition).decode(), parameters
