"""Temporary tables that hide the read models: what events behind a keyframe changed lies over the rows that it sees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from psycopg import AsyncConnection

from antiphon.projections.as_of.keyframes import carry
from antiphon.projections.core.change import Change, Row, Step, merge
from antiphon.projections.core.migrate import OBSERVED, SCHEMA
from antiphon.projections.core.statements import touched
from antiphon.projections.core.table import Table
from antiphon.projections.engine.writer import Part, parked_streams, parts

#: Tables with the name of their key and their columns; what is kept of them is beside them, unless they have no past.
_TABLES: Final = """
    SELECT c.relname, to_regclass(format('%%I.%%I', n.nspname, c.relname || '_kept')) IS NOT NULL,
        ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = c.oid AND attnum = k.indkey[0]),
        ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped)
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        LEFT JOIN pg_index AS k ON k.indrelid = c.oid AND k.indisprimary
    WHERE c.relkind = 'r' AND n.nspname = %s AND c.relname NOT LIKE '%%\\_kept' ORDER BY c.relname
"""

_LIKE: Final = "CREATE TEMPORARY TABLE {table} (LIKE {schema}.{table} INCLUDING ALL)"

#: Beside each table its rows as of the keyframe, which of them were fetched, and what is shown. What is written has the
#: name of the table while events are projected, and what is shown while somebody reads.
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
#: These are kept of flow runs by triggers, which no table here has.
_NAMES: Final = "CREATE TEMPORARY VIEW flow_run_name AS SELECT id, lower(name) AS lower_name FROM {shown}"

#: Rows that are not there yet. `ARRAY` has their keys found first, and them by an index.
_FETCH: Final = (
    "WITH wanted AS (INSERT INTO {fetched} SELECT {key} FROM {then} AS t WHERE {condition}"
    " ON CONFLICT DO NOTHING RETURNING {key})"
    " INSERT INTO {table} ({columns}) SELECT {columns} FROM {then} WHERE {key} = ANY (ARRAY(SELECT {key} FROM wanted))"
)
_BY_KEY: Final = "{key} = ANY (%(ids)s::uuid[])"


class _Layer(NamedTuple):
    """A table with a past."""

    table: str
    key: str
    columns: Sequence[str]

    def said(self, template: str, **more: str | int) -> bytes:
        """A statement about it; everything in it is our own text."""
        beside = {name: f"{name}_{self.table}" for name in ("then", "fetched", "shown", "changed")}
        columns = ", ".join(f'"{name}"' for name in self.columns)
        given = {"schema": SCHEMA, "table": self.table, "key": self.key, "columns": columns, **beside, **more}
        return template.format(**given).encode()


class Overlay:
    """The temporary tables of a session, which has none yet."""

    def __init__(self, connection: AsyncConnection[Any], keyframe: int) -> None:
        self._connection = connection
        self._keyframe = keyframe
        self._layers: dict[str, _Layer] = {}
        self._is_shown = False

    async def lay(self) -> None:
        """Make them: from here on the session finds the read models as of the keyframe, and may write nothing else."""
        statements: list[bytes] = []
        for schema in (SCHEMA, OBSERVED):
            found = await (await self._connection.execute(_TABLES, (schema,))).fetchall()
            for table, has_past, key, columns in found:
                if table != "flow_run_name":
                    # What was observed has no past: it forgets. None of it is shown, rather than what is there now.
                    statements.append(_LIKE.format(schema=schema, table=table).encode())
                if has_past:
                    self._layers[table] = _Layer(table, key[0], columns)
        for layer in self._layers.values():
            statements += [layer.said(template, keyframe=self._keyframe) for template in _BESIDE]
        statements.append(self._layers["flow_run"].said(_NAMES))
        async with self._connection.pipeline(), self._connection.transaction():
            for statement in statements:
                await self._connection.execute(statement, prepare=False)
            await carry(self._connection, self._keyframe)
        # Temporary tables are found first in any case; functions here rather than PostgreSQL's.
        await self._connection.execute(f"SET search_path TO {SCHEMA}, pg_catalog".encode())
        await self._connection.execute("SET default_transaction_read_only TO on")

    async def parked(self) -> dict[str, int]:
        """The event streams that waited at the keyframe, and the position of the event that they waited behind."""
        return await parked_streams(self._connection, "then_parked_aggregate")

    async def hold(self) -> None:
        """Keep what is below in its place until the transaction ends.

        Raises psycopg.Error where a rebuild has taken it away, or is about to: since that may wait for us, we do not
        wait for it.
        """
        below = ", ".join(f"pg_temp.then_{table}" for table in self._layers)
        await self._connection.execute(f"LOCK TABLE {below} IN ACCESS SHARE MODE NOWAIT".encode())

    async def show(self) -> None:
        """Give what is shown the names of the tables."""
        await self._rename(_SHOW, is_shown=True)

    async def write(self, changes: Iterable[Change]) -> None:
        """Carry changes out, all of them or none, on rows that are fetched before from below."""
        await self._rename(_HIDE, is_shown=False)
        async with self._connection.pipeline(), self._connection.transaction():
            if self._keyframe:
                await self.hold()
            for step in merge(changes):
                for query, parameters in self._in_order(step):
                    await self._connection.execute(query.encode(), parameters)

    async def _rename(self, templates: Sequence[str], *, is_shown: bool) -> None:
        if self._is_shown is is_shown:
            return
        async with self._connection.pipeline(), self._connection.transaction():
            # Other than rows of temporary tables, their names are nothing that a read-only transaction may change.
            await self._connection.execute("SET TRANSACTION READ WRITE")
            for layer in self._layers.values():
                for template in templates:
                    await self._connection.execute(layer.said(template), prepare=False)
        # Behind ALTER psycopg drops what was prepared, after the next statement, which it would take to be prepared.
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
            # Behind the rows: what it looks for may be among them.
            yield from self._touched(step.statement.name, step.statement.parameters)
            yield from parts(Step(statement=step.statement))

    def _looked_for(self, table: Table, rows: dict[UUID, Row]) -> Iterator[Part]:
        for column, other in (table.looked_for or {}).items():
            ids = {str(row[column]) for row in rows.values() if row[column] is not None}
            yield self._fetch(other, _BY_KEY.format(key="id"), {"ids": sorted(ids)})

    def _touched(self, statement: str | None, parameters: Row) -> Iterator[Part]:
        if statement is not None and self._keyframe:
            for table, condition in touched()[statement]:
                yield self._fetch(table, condition, parameters)

    def _fetch(self, table: str, condition: str, parameters: Row) -> Part:
        return self._layers[table].said(_FETCH, condition=condition).decode(), parameters
