"""What the client reads: subscriptions, replay, histories, and runs as they were."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Literal
from uuid import UUID

from antiphon.events import subjects
from antiphon.events.client.durable import DurableConsumer
from antiphon.events.client.folded_run import FoldedRun, fold
from antiphon.events.client.run_context import RunContexts
from antiphon.events.client.state_change import RunStateChange, state_change
from antiphon.events.errors import InvalidArgumentError, NoSuchRunError, UndecodableError
from antiphon.events.event_filter import ALL, EventFilter
from antiphon.events.log.errors import NoSuchPositionError
from antiphon.events.log.nats.jetstream import JetStreamLog, read_or_unreadable
from antiphon.events.log.port import Recorded, Unreadable
from antiphon.events.log_position import LogPosition
from antiphon.events.state import StateType
from antiphon.events.subjects import Aggregate

#: Decode 16 events per batch; larger batches trigger garbage collection while their objects are still referenced.
_DECODED: Final = 16
#: An event recorded exactly at a moment belongs to it.
_MOMENT: Final = timedelta(microseconds=1)
_RUN_KINDS: Final = ("flow_run", "task_run")


class LogReader:
    """The half of the client that reads."""

    _log: JetStreamLog
    _clock: Callable[[], datetime]

    def _durable(self, name: str, which: EventFilter) -> DurableConsumer:
        raise NotImplementedError

    async def subscribe(
        self, which: EventFilter = ALL, from_position: int | None = None
    ) -> AsyncIterator[Recorded | Unreadable]:
        """Events as they happen, for ever, in log order, each once.

        `from_position` is the first position, to continue after a break; without it only new events follow.
        Raises NoSuchPositionError for a position behind that of the next event.
        """
        if from_position is None:
            after = await self.last_position()
        else:
            after = await self.first_position(from_position) - 1
        async for batch in self._follow(which, after):
            for event in batch:
                yield event

    def state_changes(
        self,
        name: str | None = None,
        *,
        since: LogPosition | None = None,
        kind: Literal["flow_run", "task_run"] | None = None,
        id: UUID | str | None = None,
        state: StateType | None = None,
        flow: UUID | None = None,
        deployment: UUID | None = None,
        tags: Sequence[str] = (),
    ) -> AsyncGenerator[RunStateChange]:
        """Runs enter states: `async for change in client.state_changes(...)`, for ever.

        `since` is the first position (1 for all of them) or time; without it only new changes follow.

        With a `name` the server keeps the position, and `since` counts at the first use only. Several processes with
        one name share the changes. A change is handled when the loop asks for the next one, or as `async with change:`
        says; what was not handled comes again, also after the end of a process, then behind newer ones. Without a name
        changes come in log order, each once, and the end of the loop forgets the position.

        Connections and servers may fail meanwhile. Raises LogUnavailableError if the connection was closed,
        SubscriptionError if the name has another filter or was deleted, UndecodableError for an event of a newer
        version, NoSuchPositionError for a `since` that is not there yet.
        """
        if isinstance(since, int) and since < 1:
            raise InvalidArgumentError("positions begin at 1")
        which = EventFilter(
            kind or "*",
            # Written in one way: the name of a subscription is kept with its filter.
            "*" if id is None else str(id),
            "state.*",
            flow=flow,
            deployment=deployment,
            tags=tuple(sorted(set(tags))),
            state_type=state,
        )
        return self._once_each(which, since) if name is None else self._shared(_token(name), which, since)

    async def _once_each(self, which: EventFilter, since: LogPosition | None) -> AsyncGenerator[RunStateChange]:
        after = await self.last_position() if since is None else await self.first_position(since) - 1
        async for batch in self._follow(which, after):
            for item in batch:
                yield state_change(item)

    async def _shared(self, name: str, which: EventFilter, since: LogPosition | None) -> AsyncGenerator[RunStateChange]:
        async def start() -> int:
            return await self.last_position() + 1 if since is None else await self.first_position(since)

        consumer = self._durable(name, which)
        try:
            await consumer.open(start)
            while True:
                message = await consumer.take()
                item = read_or_unreadable(message)
                # Another process may have had the event that changed a tag: no context is kept.
                if await is_wanted(item, which, RunContexts(self.history)):
                    acknowledge, release = partial(consumer.acknowledge, message), partial(consumer.release, message)
                    change = state_change(item, acknowledge, release)
                    yield change
                    await change.next_is_wanted()
                else:
                    await consumer.acknowledge(message)
        finally:
            await consumer.close()

    async def replay(
        self, which: EventFilter = ALL, from_position: LogPosition = 1, to_position: int | None = None
    ) -> AsyncIterator[Recorded | Unreadable]:
        """Past events from a position or time to a position, both included, or up to the present end of the log."""
        end = await self.last_position()
        until = end if to_position is None else min(to_position, end)
        # A position behind the end is not an error here: nothing has happened since.
        start = from_position if isinstance(from_position, int) else await self.first_position(from_position)
        async for batch in self._follow(which, start - 1, until):
            for event in batch:
                yield event

    async def _follow(
        self, which: EventFilter, after: int, until: int | None = None
    ) -> AsyncIterator[list[Recorded | Unreadable]]:
        contexts = RunContexts(self.history)
        async for batch in self._log.follow(after, subjects=which.subjects, until=until, most=_DECODED):
            if which.is_subject:
                yield list(batch)
            else:
                yield [item for item in batch if await is_wanted(item, which, contexts)]

    async def history(self, run: Aggregate | UUID | str) -> Sequence[Recorded | Unreadable]:
        """All events of one aggregate, oldest first, including those that cannot be decoded.

        An id alone is that of a flow run, or else of a task run.
        """
        if isinstance(run, Aggregate):
            return await self._log.history(run)
        for kind in _RUN_KINDS:
            if found := await self._log.history(Aggregate(kind, _token(run))):
                return found
        return ()

    async def state(self, run: Aggregate | UUID | str, as_of: LogPosition | None = None) -> FoldedRun:
        """The run as its own events up to a position or time make it, both included; without one as it is now.

        Raises NoSuchRunError if it had no event by then, NoSuchPositionError like `last_position`, and UndecodableError
        for an event that this version cannot read.
        """
        end = None if as_of is None else await self.last_position(as_of)
        events = [item for item in await self.history(run) if end is None or item.position <= end]
        for item in events:
            if isinstance(item, Unreadable):
                raise UndecodableError(f"position {item.position} cannot be read: {item.error}")
        if (folded := fold(item for item in events if isinstance(item, Recorded))) is None:
            raise NoSuchRunError(f"there was no run {run}")
        return folded

    async def first_position(self, when: LogPosition) -> int:
        """A position as it is; for a time, that of the first event recorded then or later, or behind the end.

        Raises NoSuchPositionError for a time in the future, and for a position behind that of the next event.
        """
        if isinstance(when, int):
            return await self._existing(when, next_too=True)
        return await self._log.position_at(self._past(when))

    async def last_position(self, when: LogPosition | None = None) -> int:
        """A position as it is; for a time, that of the last event recorded by then; or the newest; 0 for none.

        Raises NoSuchPositionError for a position that no event has, and for a time in the future.
        """
        if when is None:
            return await self._log.last_position()
        if isinstance(when, int):
            return await self._existing(when)
        return await self._log.position_at(self._past(when) + _MOMENT) - 1

    async def _existing(self, position: int, *, next_too: bool = False) -> int:
        end = await self._log.last_position()
        if position > end + next_too:
            raise NoSuchPositionError(f"the log ends at position {end}")
        return position

    def _past(self, moment: datetime) -> datetime:
        if moment.tzinfo is None:
            raise InvalidArgumentError(f"{moment.isoformat()} has no zone")
        if moment > self._clock():
            raise NoSuchPositionError(f"{moment.isoformat()} is in the future")
        return moment


async def is_wanted(item: Recorded | Unreadable, which: EventFilter, contexts: RunContexts) -> bool:
    """Whether a filter selects an event."""
    if isinstance(item, Unreadable):
        return subjects.matches(item.subject, which.subject)
    # First, whatever the filter says about the event: each event of a run may change its context.
    belongs = not which.needs_run_context or (await contexts.of(item)).fits(which)
    return belongs and which.fits(item.event)


def _token(text: UUID | str) -> str:
    if not subjects.is_token(str(text)):
        raise InvalidArgumentError(f"{str(text)!r} is neither an id nor a name: letters, digits, _ and -")
    return str(text)
