"""A flow run as it was: from the events that are about it alone, however long the log is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from events.errors import UndecodableError
from events.log.port import Recorded, Unreadable
from events.subjects import Aggregate
from projections.change import Change, Put, Row
from projections.flow_run.projection import FLOW_RUN
from projections.past import Past
from projections.projection import project
from projections.reading import rows
from projections.table import Table
from projections.task_run.projection import TASK_RUN

#: All events of an aggregate, oldest first.
ReadHistory = Callable[[Aggregate], Awaitable[Sequence[Recorded | Unreadable]]]

_FLOW_RUN: Final = f"SELECT {', '.join(FLOW_RUN.columns)} FROM flow_run WHERE id = %(id)s"  # noqa: S608  our own names
_STATES: Final = "SELECT state FROM flow_run_state WHERE flow_run_id = %(id)s ORDER BY timestamp"


@dataclass(frozen=True, slots=True)
class FlowRunThen:
    """A flow run and its states."""

    flow_run: Row
    #: The oldest first, as Prefect's API shows them.
    states: list[Any]


async def flow_run_at(nothing: Past, read: ReadHistory, run_id: UUID, position: int) -> FlowRunThen | None:
    """The flow run once the event at `position` had happened; None where it was not there then.

    `nothing` is a past in which nothing has happened.
    """
    async with nothing.only(await _events_about(read, run_id, position)) as connection:
        found = await rows(connection, _FLOW_RUN, {"id": run_id})
        states = await rows(connection, _STATES, {"id": run_id})
    return FlowRunThen(found[0], [state["state"] for state in states]) if found else None


async def _events_about(read: ReadHistory, run_id: UUID, position: int) -> list[Recorded]:
    """The events that say something about a flow run, in their order."""
    events = _Events(read, position)
    for table, row in _put(await events.of(Aggregate("flow_run", str(run_id)))):
        if table is FLOW_RUN:
            await events.of(Aggregate("flow", str(row["flow_id"])))
            await _parents(events, row["parent_task_run_id"])
    return sorted(events.found.values(), key=lambda found: found.position)


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
