"""What a run belongs to, its flow, deployment and tags, as the log had it at each position."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from antiphon.events.document.events import FlowCreated, FlowRunInputCreated, FlowUpdated
from antiphon.events.event_filter import EventFilter
from antiphon.events.flow_run.events import FlowRunCreated, FlowRunUpdated
from antiphon.events.log.port import Recorded, Unreadable
from antiphon.events.message import Event
from antiphon.events.subjects import Aggregate
from antiphon.events.task_run.events import TaskRunCreated, TaskRunStateRecorded

ReadHistory = Callable[[Aggregate], Awaitable[Sequence[Recorded | Unreadable]]]

_CAPACITY: Final = 10_000


@dataclass(frozen=True, slots=True)
class Origin:
    """What something belongs to; task runs and inputs through their flow run."""

    flow: str | None = None
    deployment: str | None = None
    tags: frozenset[str] = frozenset()
    flow_run: str | None = None

    def fits(self, which: EventFilter) -> bool:
        """Whether that is what was asked for."""
        return (
            (which.flow is None or self.flow == str(which.flow))
            and (which.deployment is None or self.deployment == str(which.deployment))
            and self.tags.issuperset(which.tags)
        )


_UNKNOWN: Final = Origin()


class Origins:
    """Follows events in log order, and knows what each belonged to when it happened.

    It gives the same answers wherever it begins: what it has not seen it reads. Of what it has it keeps a
    limited number.
    """

    def __init__(self, read: ReadHistory) -> None:
        self._read = read
        self._known: OrderedDict[Aggregate, Origin] = OrderedDict()

    async def of(self, item: Recorded) -> Origin:
        """What the subject of an event belongs to once that has happened."""
        known = self._known.get(item.aggregate)
        own = await self._at(item.aggregate, item.position) if known is None else evolve(known, item)
        self._keep(item.aggregate, own)
        if own.flow_run is None:
            return own
        above = Aggregate("flow_run", own.flow_run)
        run = self._known.get(above) or await self._at(above, item.position)
        if run.flow is not None:
            self._keep(above, run)
        return replace(own, flow=run.flow, deployment=run.deployment)

    async def _at(self, aggregate: Aggregate, position: int) -> Origin:
        origin = _UNKNOWN
        for item in await self._read(aggregate):
            if isinstance(item, Recorded) and item.position <= position:
                origin = evolve(origin, item)
        return origin

    def _keep(self, aggregate: Aggregate, origin: Origin) -> None:
        self._known[aggregate] = origin
        self._known.move_to_end(aggregate)
        if len(self._known) > _CAPACITY:
            self._known.popitem(last=False)


def evolve(origin: Origin, item: Recorded) -> Origin:
    """What something belongs to after one more of its events; it still does once it is deleted."""
    return _evolved(origin, item.event, item.aggregate.id)


def _evolved(origin: Origin, event: Event, identifier: str) -> Origin:
    match event:
        case FlowRunCreated():
            deployment = None if event.deployment_id is None else str(event.deployment_id)
            return Origin(str(event.flow_id), deployment, frozenset(event.tags))
        case FlowRunUpdated() if "tags" in event.changes.model_fields_set:
            return replace(origin, tags=frozenset(event.changes.tags))
        case TaskRunCreated() | TaskRunStateRecorded() if event.fields is not None:
            run_id = event.fields.flow_run_id
            return Origin(tags=frozenset(event.fields.tags), flow_run=None if run_id is None else str(run_id))
        case FlowCreated():
            return Origin(identifier, tags=_texts(event.data.get("tags")))
        case FlowUpdated() if "tags" in event.changes:
            return replace(origin, tags=_texts(event.changes["tags"]))
        case FlowRunInputCreated():
            return Origin(flow_run=str(event.data.get("flow_run_id")))
        case _:
            return origin


def _texts(value: object) -> frozenset[str]:
    return frozenset(item for item in value if isinstance(item, str)) if isinstance(value, list) else frozenset()
