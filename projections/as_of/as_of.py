"""A run as of a position, from the events of its own aggregates, however long the log is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from antiphon.events.errors import UndecodableError
from antiphon.events.log.port import Recorded, Unreadable
from antiphon.events.subjects import Aggregate
from antiphon.projections.as_of.as_of_session import AsOfSession
from antiphon.projections.core.change import Change, Put, Row
from antiphon.projections.core.reading import rows
from antiphon.projections.core.table import Table
from antiphon.projections.engine.projection import project
from antiphon.projections.flow_run import queries as flow_run
from antiphon.projections.flow_run.projection import FLOW_RUN
from antiphon.projections.resource import StateHistory
from antiphon.projections.task_run import queries as task_run
from antiphon.projections.task_run.projection import TASK_RUN

#: All events of an aggregate, oldest first.
ReadHistory = Callable[[Aggregate], Awaitable[Sequence[Recorded | Unreadable]]]


@dataclass(frozen=True, slots=True)
class RunAsOf:
    """A flow run or task run and its states."""

    run: Row
    #: The oldest first, as Prefect's API shows them.
    states: list[Any]


async def run_at(nothing: AsOfSession, read: ReadHistory, run: Aggregate, position: int) -> RunAsOf | None:
    """The flow run or task run as of `position`; None if no read showed it then.

    `nothing` is a session that shows no events.
    """
    kind = _KINDS[run.kind]
    events = _Events(read, position)
    await kind.gather(events, run.id)
    async with nothing.only(events.in_order()) as connection:
        found = await rows(connection, kind.query, {"id": run.id})
        states = await kind.states.rows_of_run(connection, UUID(run.id))
    return RunAsOf(found[0], states) if found else None


async def _about_flow_run(events: _Events, run_id: str) -> None:
    """A deletion of its flow deletes it; a deletion of its parent task run leaves it without a parent."""
    for row in _put(await events.of(Aggregate("flow_run", run_id)), FLOW_RUN):
        await events.of(Aggregate("flow", str(row["flow_id"])))
        if row["parent_task_run_id"] is not None:
            await _about_task_run(events, str(row["parent_task_run_id"]))


async def _about_task_run(events: _Events, run_id: str) -> None:
    """Its flow run makes it visible; a deletion of that or of its flow deletes it."""
    for task in _put(await events.of(Aggregate("task_run", run_id)), TASK_RUN):
        if task["flow_run_id"] is None:
            continue
        for row in _put(await events.of(Aggregate("flow_run", str(task["flow_run_id"]))), FLOW_RUN):
            await events.of(Aggregate("flow", str(row["flow_id"])))


def _put(items: Sequence[Recorded], table: Table) -> list[Row]:
    changes = (change for item in items for change in _changes(item))
    return [change.row for change in changes if isinstance(change, Put) and change.table is table]


def _changes(item: Recorded) -> Sequence[Change]:
    try:
        return project(item)
    except UndecodableError:
        # The read models do not show it either.
        return ()


class _Events:
    """The events of some aggregates up to a position."""

    def __init__(self, read: ReadHistory, position: int) -> None:
        self._read = read
        self._position = position
        self._known: dict[Aggregate, list[Recorded]] = {}

    async def of(self, aggregate: Aggregate) -> list[Recorded]:
        if aggregate not in self._known:
            items: list[Recorded] = []
            for item in await self._read(aggregate):
                if item.position > self._position or isinstance(item, Unreadable):
                    # Later events wait behind an unreadable one (docs/adr/0003).
                    break
                items.append(item)
            self._known[aggregate] = items
        return self._known[aggregate]

    def in_order(self) -> list[Recorded]:
        """All of them."""
        return sorted((item for items in self._known.values() for item in items), key=lambda item: item.position)


@dataclass(frozen=True, slots=True)
class _Kind:
    """The queries for runs of a kind."""

    gather: Callable[[_Events, str], Awaitable[None]]
    query: str
    states: StateHistory


_KINDS: Final = {
    "flow_run": _Kind(
        _about_flow_run,
        f"SELECT {', '.join(FLOW_RUN.columns)} FROM flow_run WHERE id = %(id)s",  # noqa: S608  our own names
        flow_run.STATES,
    ),
    "task_run": _Kind(
        _about_task_run,
        f"SELECT {', '.join(TASK_RUN.columns)} FROM task_run"  # noqa: S608  our own names
        " WHERE id = %(id)s AND NOT awaits_flow_run",
        task_run.STATES,
    ),
}
