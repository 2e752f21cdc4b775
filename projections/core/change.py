"""Row changes as values: projections return them, `writer.py` writes them.

Changes of a batch are merged before they are written: a run that is created and moved twice in a batch is one
inserted row.
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
    """A whole row: inserted, or in place of the row with this id, whose `created` it keeps."""

    table: Table
    row: Row


@dataclass(frozen=True, slots=True)
class Move:
    """New values of the columns that transitions change; without effect if there is no such row."""

    table: Table
    id: UUID
    values: Row


@dataclass(frozen=True, slots=True)
class Statement:
    """Any other change, by the name of its SQL statement; earlier changes are written first."""

    name: str
    parameters: Row


Change = Put | Move | Statement


@dataclass(slots=True)
class Step:
    """Changes without an order among them: at most one insert and one update for each table."""

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
        # As a row in the table does.
        rows[row_id] = change.row | {"created": earlier["created"]}
    else:
        # A copy, because later transitions of the batch change it.
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
    """The values without columns that keep theirs when there is no new one."""
    kept = change.table.kept_when_null
    return {name: value for name, value in change.values.items() if value is not None or name not in kept}
