"""What events do to rows, as values: a projection returns changes, `writer.py` carries them out.

Changes of a batch are merged before they are written: a run that is created and moved twice within a
batch is one inserted row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from antiphon.projections.core.table import Table

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Put:
    """A whole row: inserted, or replacing the one with this id, whose `created` it keeps."""

    table: Table
    row: Row


@dataclass(frozen=True, slots=True)
class Move:
    """New values for the columns of a row that transitions change; nothing where there is no such row."""

    table: Table
    id: UUID
    values: Row


@dataclass(frozen=True, slots=True)
class Statement:
    """Any other change, by the name of its SQL statement; everything before it is written first."""

    name: str
    parameters: Row


Change = Put | Move | Statement


@dataclass(slots=True)
class Step:
    """Changes that need no order among them: at most one insert and one update for each table."""

    puts: dict[Table, dict[UUID, Row]] = field(default_factory=dict)
    moves: dict[Table, dict[UUID, Row]] = field(default_factory=dict)
    statement: Statement | None = None


def merge(changes: Iterable[Change]) -> Iterator[Step]:
    """The steps that have the effect of the changes in their order."""
    step = Step()
    for change in changes:
        match change:
            case Put():
                _put(step, change)
            case Move():
                _move(step, change)
            case Statement():
                step.statement = change
                yield step
                step = Step()
    if step.puts or step.moves:
        yield step


def _put(step: Step, change: Put) -> None:
    rows = step.puts.setdefault(change.table, {})
    row_id = change.row["id"]
    earlier = rows.get(row_id)
    if earlier is not None and change.table.append_only:
        return
    if earlier is not None:
        # The row in the table keeps its `created` too.
        rows[row_id] = change.row | {"created": earlier["created"]}
    else:
        # A copy: later transitions of the batch go into it.
        rows[row_id] = dict(change.row)
    step.moves.get(change.table, {}).pop(row_id, None)


def _move(step: Step, change: Move) -> None:
    put = step.puts.get(change.table, {}).get(change.id)
    if put is not None:
        put.update(_given(change))
        return
    rows = step.moves.setdefault(change.table, {})
    rows[change.id] = rows.get(change.id, {}) | _given(change)


def _given(change: Move) -> Row:
    """Without the columns that keep their value when there is none to set."""
    kept = change.table.kept_when_null
    return {name: value for name, value in change.values.items() if value is not None or name not in kept}
