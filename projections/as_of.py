"""A flow run as it was: the events up to a position, folded into the rows that the read models had then."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from events.errors import UndecodableError
from events.log.port import Recorded, Unreadable
from events.subjects import Aggregate
from projections.change import Change, Move, Put, Row, Statement
from projections.flow_run.projection import FLOW_RUN, FLOW_RUN_STATE
from projections.projection import project
from projections.table import Table
from projections.task_run.projection import TASK_RUN

#: All events of an aggregate, oldest first.
ReadHistory = Callable[[Aggregate], Awaitable[Sequence[Recorded | Unreadable]]]


@dataclass(frozen=True, slots=True)
class FlowRunThen:
    """A flow run and its states."""

    flow_run: Row
    #: The oldest first, as Prefect's API shows them.
    states: list[Any]


async def flow_run_at(read: ReadHistory, run_id: UUID, position: int) -> FlowRunThen | None:
    """The flow run once the event at `position` had happened; None where it was not there then."""
    events = _Events(read, position)
    run = await events.of(Aggregate("flow_run", str(run_id)))
    for table, row in _put(run):
        if table is FLOW_RUN:
            await events.of(Aggregate("flow", str(row["flow_id"])))
            await _parents(events, row["parent_task_run_id"])
    tables = _Tables()
    for item in sorted(events.found.values(), key=lambda found: found.position):
        tables.apply(item)
    found = tables.flow_runs.get(str(run_id))
    if found is None:
        return None
    states = [state for state in tables.states.values() if state["flow_run_id"] == run_id]
    states.sort(key=lambda state: state["timestamp"])
    return FlowRunThen({name: found.get(name) for name in FLOW_RUN.columns}, [state["state"] for state in states])


async def _parents(events: _Events, task_run_id: Any) -> None:
    """The task run that a subflow stands for, its flow run and that one's flow: when they go, it has no parent."""
    if task_run_id is None:
        return
    for table, task in _put(await events.of(Aggregate("task_run", str(task_run_id)))):
        if table is not TASK_RUN or task["flow_run_id"] is None:
            continue
        for parent_table, parent in _put(await events.of(Aggregate("flow_run", str(task["flow_run_id"])))):
            if parent_table is FLOW_RUN:
                await events.of(Aggregate("flow", str(parent["flow_id"])))


def _put(items: Sequence[Recorded]) -> list[tuple[Table, Row]]:
    return [(change.table, change.row) for item in items for change in _changes(item) if isinstance(change, Put)]


def _changes(item: Recorded) -> Sequence[Change]:
    try:
        return project(item)
    except UndecodableError:
        # The read models show nothing of it either.
        return ()


class _Events:
    """The events of some aggregates up to a position."""

    def __init__(self, read: ReadHistory, position: int) -> None:
        self._read = read
        self._position = position
        self._known: dict[Aggregate, list[Recorded]] = {}
        self.found: dict[int, Recorded] = {}

    async def of(self, aggregate: Aggregate) -> list[Recorded]:
        if aggregate not in self._known:
            items: list[Recorded] = []
            for item in await self._read(aggregate):
                if item.position > self._position or isinstance(item, Unreadable):
                    # What is behind an event that cannot be read waits for it (docs/adr/0006).
                    break
                items.append(item)
            self._known[aggregate] = items
            self.found |= {item.position: item for item in items}
        return self._known[aggregate]


@dataclass(slots=True)
class _Tables:
    """The few rows that matter, and what the statements of `statements.sql` do to them."""

    flow_runs: dict[str, Row] = field(default_factory=dict)
    task_runs: dict[str, Row] = field(default_factory=dict)
    states: dict[str, Row] = field(default_factory=dict)

    def apply(self, item: Recorded) -> None:
        for change in _changes(item):
            match change:
                case Put():
                    self._put(change)
                case Move():
                    self._move(change)
                case Statement():
                    self._state(change.name, change.parameters)

    def _rows(self, table: Table) -> dict[str, Row]:
        if table is FLOW_RUN_STATE:
            return self.states
        return {FLOW_RUN: self.flow_runs, TASK_RUN: self.task_runs}.get(table, {})

    def _put(self, change: Put) -> None:
        rows, row_id = self._rows(change.table), str(change.row["id"])
        earlier = rows.get(row_id)
        if earlier is None:
            rows[row_id] = dict(change.row)
        elif not change.table.append_only:
            rows[row_id] = change.row | {"created": earlier["created"]}

    def _move(self, change: Move) -> None:
        row = self._rows(change.table).get(str(change.id))
        if row is not None:
            kept = change.table.kept_when_null
            row.update({name: value for name, value in change.values.items() if value is not None or name not in kept})

    def _state(self, name: str, given: Row) -> None:
        if name == "update_flow_run" and (row := self.flow_runs.get(str(given["id"]))) is not None:
            changes = dict(given["changes"])
            if "labels" in changes:
                changes["labels"] = row["labels"] | changes["labels"]
            row.update(changes, updated=given["at"])
        elif name == "mark_flow_run" and (row := self.flow_runs.get(str(given["id"]))) is not None:
            row["empirical_policy"] = given["policy"]
        elif name == "delete_flow_runs":
            self._delete_runs({str(run_id) for run_id in given["ids"]})
        elif name == "delete_flow":
            flow_id = str(given["id"])
            self._delete_runs({run_id for run_id, row in self.flow_runs.items() if str(row["flow_id"]) == flow_id})
        elif name == "delete_task_runs":
            self._delete_tasks({str(task_id) for task_id in given["ids"]})

    def _delete_runs(self, ids: set[str]) -> None:
        tasks = {task_id for task_id, row in self.task_runs.items() if str(row["flow_run_id"]) in ids}
        self.states = {key: row for key, row in self.states.items() if str(row["flow_run_id"]) not in ids}
        for run_id in ids:
            self.flow_runs.pop(run_id, None)
        self._delete_tasks(tasks)

    def _delete_tasks(self, ids: set[str]) -> None:
        for task_id in ids:
            self.task_runs.pop(task_id, None)
        for row in self.flow_runs.values():
            if str(row["parent_task_run_id"]) in ids:
                row["parent_task_run_id"] = None
