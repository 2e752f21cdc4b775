"""The effects on a healed event stream of what happened to other aggregates while it waited (docs/adr/0003)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from antiphon.events.limit.events import LimitReset
from antiphon.events.log.nats.jetstream import JetStreamLog
from antiphon.events.log.port import Recorded
from antiphon.events.subjects import Aggregate
from antiphon.projections.artifact.projection import ARTIFACT_COLLECTION
from antiphon.projections.core.change import Change, Put, Statement
from antiphon.projections.engine.projection import project

#: A table and its column with the id of another aggregate, to the kind of that aggregate: the row is deleted with it.
_OWNERS: Final[Mapping[tuple[str, str], str]] = {
    ("deployment", "flow_id"): "flow",
    ("flow_run", "flow_id"): "flow",
    ("flow_run_input", "flow_run_id"): "flow_run",
    ("task_run", "flow_run_id"): "flow_run",
}
#: The same for aggregates whose deletion only takes their id out of the row.
_MENTIONED: Final[Mapping[tuple[str, str], str]] = {
    ("concurrency_lease", "limit_ids"): "limit",
    ("flow_run", "parent_task_run_id"): "task_run",
}
#: By kind.
_DELETE: Final[Mapping[str, str]] = {
    "deployment": "delete_deployment",
    "flow_run": "delete_flow_runs",
    "flow_run_input": "delete_flow_run_input",
    "limit": "forget_leases",
    "task_run": "delete_task_runs",
}


class LaterDeletions:
    """What was deleted between two positions of the log."""

    def __init__(self, log: JetStreamLog, after: int, until: int) -> None:
        self._log = log
        self._after = after
        self._until = until

    async def effects(self, aggregate: Aggregate, changes: Sequence[Change]) -> list[Change]:
        """The changes that follow the late `changes` of an aggregate, so that its rows are those of the log."""
        found: list[Change] = []
        collections = {change.row["id"] for change in changes if isinstance(change, Put) and _is_collection(change)}
        if collections:
            found.append(Statement("show_newest_artifacts", {"ids": list(collections)}))
        puts = await self._puts(aggregate)
        gone = [(aggregate, await self._deleted_at(owner)) for owner in _named(puts, _OWNERS)]
        gone += [(other, await self._deleted_at(other)) for other in _named(puts, _MENTIONED)]
        return found + [_deletion(one, at) for one, at in gone if at is not None]

    async def _deleted_at(self, aggregate: Aggregate) -> datetime | None:
        """The time at which it, or the aggregate that it belongs to, was deleted between the positions.

        A limit that is reset forgets its leases, as one that is deleted.
        """
        changed = [item for item in await self._last(aggregate) if ".refused." not in item.event.TYPE]
        for item in changed:
            is_last_deletion = item is changed[-1] and item.event.TYPE.endswith(".deleted")
            if self._after < item.position and (is_last_deletion or isinstance(item.event, LimitReset)):
                return item.recorded_at
        for owner in _named(await self._puts(aggregate), _OWNERS):
            if (at := await self._deleted_at(owner)) is not None:
                return at
        return None

    async def _puts(self, aggregate: Aggregate) -> list[Put]:
        changes = [change for item in await self._last(aggregate) for change in project(item)]
        return [change for change in changes if isinstance(change, Put)]

    async def _last(self, aggregate: Aggregate) -> list[Recorded]:
        """The last event of each action, in order."""
        found = await self._log.last_of_each_action(aggregate)
        return [item for item in found if isinstance(item, Recorded) and item.position <= self._until]


def _deletion(aggregate: Aggregate, at: datetime) -> Statement:
    own_id = UUID(aggregate.id)
    return Statement(_DELETE[aggregate.kind], {"id": own_id, "ids": [own_id], "at": at})


def _is_collection(put: Put) -> bool:
    return put.table is ARTIFACT_COLLECTION


def _named(puts: Sequence[Put], columns: Mapping[tuple[str, str], str]) -> Iterator[Aggregate]:
    """The other aggregates that rows name, each once."""
    found = dict[Aggregate, None]()
    for put in puts:
        for (table, column), kind in columns.items():
            given = put.row.get(column) if put.table.name == table else None
            for other in given if isinstance(given, list) else [given]:
                if other is not None:
                    found[Aggregate(kind, str(other))] = None
    yield from found
