"""Row changes as values: projections return them, `engine/writer.py` writes them.

The changes of a batch are merged before they are written: a run that a batch creates and moves twice becomes one
insert.
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
    """A whole row. It replaces an existing row with the same id, but keeps that row's `created`."""

    table: Table
    row: Row


@dataclass(frozen=True, slots=True)
class Move:
    """New values of the columns that a transition changes; without effect if the row does not exist."""

    table: Table
    id: UUID
    values: Row


@dataclass(frozen=True, slots=True)
class Statement:
    """Any other change: the name of an SQL statement. Earlier changes are written before it."""

    name: str
    parameters: Row


Change = Put | Move | Statement


@dataclass(slots=True)
class Step:
    """Changes whose order does not matter: at most one insert and one update for each table."""

    puts: dict[Table, dict[UUID, Row]] = field(default_factory=dict)
    moves: dict[Table, dict[UUID, Row]] = field(default_factory=dict)
    statement: Statement | None = None


def merge(changes: Iterable[Change]) -> Iterator[Step]:
    """Group changes into steps that have the same effect as the changes in order."""
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
        # A replaced row keeps its `created` in the table too.
        rows[row_id] = change.row | {"created": earlier["created"]}
    else:
        # Copy the row: later transitions of the batch change it.
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
    """The new values, without null values of columns that keep their old value."""
    kept = change.table.kept_when_null
    return {name: value for name, value in change.values.items() if value is not None or name not in kept}
