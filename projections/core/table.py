"""Tables of the read models, and the SQL that writes many rows of them with one statement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True, eq=False)
class Table:
    """A table of the read models; tables are compared by identity.

    A statement takes its rows as one JSON array of objects, whose keys are column names.
    """

    name: str
    #: Column name to PostgreSQL type, `id` included.
    columns: Mapping[str, str]
    #: The columns that a transition sets.
    moved: tuple[str, ...] = ()
    #: The moved columns that keep their value if the new one is null.
    kept_when_null: frozenset[str] = frozenset()
    #: A put does not replace an existing row.
    append_only: bool = False
    #: Columns that the server computes when a row is put: column name to SQL, with the row as `t`.
    computed: Mapping[str, str] | None = None
    #: The tables that `computed` reads: the column that holds an id, to the table with that id.
    looked_for: Mapping[str, str] | None = None
    #: The statement that follows a put, if any; its parameter `ids` are the ids of the rows.
    after_put: str | None = None

    @cached_property
    def put_sql(self) -> str:
        """Insert or replace the rows of the JSON array `rows`."""
        computed = dict(self.computed or {})
        names = [*self.columns, *computed]
        values = ", ".join([*(f"t.{name}" for name in self.columns), *computed.values()])
        if self.append_only:
            action = "NOTHING"
        else:
            replaced = (name for name in names if name not in ("id", "created"))
            action = "UPDATE SET " + ", ".join(f"{name} = excluded.{name}" for name in replaced)
        return (
            f"INSERT INTO {self.name} ({', '.join(names)}) SELECT {values} FROM"  # noqa: S608  our own names
            f" json_to_recordset(%(rows)s::json) AS t({self._typed(self.columns)}) ON CONFLICT (id) DO {action}"
        )

    @cached_property
    def move_sql(self) -> str:
        """Set the moved columns from the rows of the JSON array `rows`."""
        settings = ", ".join(
            f"{name} = coalesce(t.{name}, {self.name}.{name})" if name in self.kept_when_null else f"{name} = t.{name}"
            for name in self.moved
        )
        return (
            f"UPDATE {self.name} SET {settings} FROM"  # noqa: S608  our own names
            f" json_to_recordset(%(rows)s::json) AS t({self._typed(('id', *self.moved))}) WHERE {self.name}.id = t.id"
        )

    def _typed(self, names: Mapping[str, str] | tuple[str, ...]) -> str:
        return ", ".join(f"{name} {self.columns[name]}" for name in names)
