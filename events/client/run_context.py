"""The flow, deployment and tags of each event's run, as of the event."""

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
class RunContext:
    """What an aggregate belongs to; task runs and inputs belong to it through their flow run."""

    flow: str | None = None
    deployment: str | None = None
    tags: frozenset[str] = frozenset()
    flow_run: str | None = None

    def fits(self, which: EventFilter) -> bool:
        """Whether the filter selects this context."""
        return (
            (which.flow is None or self.flow == str(which.flow))
            and (which.deployment is None or self.deployment == str(which.deployment))
            and self.tags.issuperset(which.tags)
        )


_UNKNOWN: Final = RunContext()


class RunContexts:
    """Follows events in log order, and returns the context of each as of the event.

    The answers do not depend on the first event: the history of an unknown aggregate is read. The number of known
    aggregates is limited.
    """

    def __init__(self, read: ReadHistory) -> None:
        self._read = read
        self._known: OrderedDict[Aggregate, RunContext] = OrderedDict()

    async def of(self, item: Recorded) -> RunContext:
        """The context of an aggregate right after this event."""
        known = self._known.get(item.aggregate)
        own = await self._at(item.aggregate, item.position) if known is None else evolve(known, item)
        self._remember(item.aggregate, own)
        if own.flow_run is None:
            return own
        above = Aggregate("flow_run", own.flow_run)
        run = self._known.get(above) or await self._at(above, item.position)
        if run.flow is not None:
            self._remember(above, run)
        return replace(own, flow=run.flow, deployment=run.deployment)

    async def _at(self, aggregate: Aggregate, position: int) -> RunContext:
        context = _UNKNOWN
        for item in await self._read(aggregate):
            if isinstance(item, Recorded) and item.position <= position:
                context = evolve(context, item)
        return context

    def _remember(self, aggregate: Aggregate, context: RunContext) -> None:
        self._known[aggregate] = context
        self._known.move_to_end(aggregate)
        if len(self._known) > _CAPACITY:
            self._known.popitem(last=False)


def evolve(context: RunContext, item: Recorded) -> RunContext:
    """The context after one more event; a deletion does not change it."""
    return _evolved(context, item.event, item.aggregate.id)


def _evolved(context: RunContext, event: Event, identifier: str) -> RunContext:
    match event:
        case FlowRunCreated():
            deployment = None if event.deployment_id is None else str(event.deployment_id)
            return RunContext(str(event.flow_id), deployment, frozenset(event.tags))
        case FlowRunUpdated() if "tags" in event.changes.model_fields_set:
            return replace(context, tags=frozenset(event.changes.tags))
        case TaskRunCreated() | TaskRunStateRecorded() if event.fields is not None:
            run_id = event.fields.flow_run_id
            return RunContext(tags=frozenset(event.fields.tags), flow_run=None if run_id is None else str(run_id))
        case FlowCreated():
            return RunContext(identifier, tags=_texts(event.data.get("tags")))
        case FlowUpdated() if "tags" in event.changes:
            return replace(context, tags=_texts(event.changes["tags"]))
        case FlowRunInputCreated():
            return RunContext(flow_run=str(event.data.get("flow_run_id")))
        case _:
            return context


def _texts(value: object) -> frozenset[str]:
    return frozenset(item for item in value if isinstance(item, str)) if isinstance(value, list) else frozenset()
