"""The log in memory: the same behaviour without a server, for tests and for trying deciders out."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime

from antiphon.events import codec, subjects
from antiphon.events.log.errors import ConflictError
from antiphon.events.log.port import ANY, Draft, Recorded, Unreadable
from antiphon.events.subjects import Aggregate


class MemoryLog:
    """An `EventLog` that lives as long as the process; encodes and decodes like the real one."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._events: list[Recorded] = []
        self._streams: defaultdict[Aggregate, list[Recorded]] = defaultdict(list)
        self._grown = asyncio.Condition()

    async def append(self, drafts: Sequence[Draft], *, after: int) -> range:
        """See EventLog.append."""
        if after != len(self._events):
            raise ConflictError(f"the log ends at {len(self._events)}, not at {after}")
        if known := [draft.aggregate for draft in drafts if draft.is_first and draft.aggregate in self._streams]:
            raise ConflictError(f"{known} are not new")
        records = [self._recorded(draft, position) for position, draft in enumerate(drafts, after + 1)]
        self._events.extend(records)
        for recorded in records:
            self._streams[recorded.aggregate].append(recorded)
        async with self._grown:
            self._grown.notify_all()
        return range(after + 1, len(self._events) + 1)

    def _recorded(self, draft: Draft, position: int) -> Recorded:
        body = codec.encode(draft.event)
        action = draft.event.action
        event = codec.decode_event(draft.aggregate, action, draft.event.VERSION, body)
        return Recorded(position, draft.aggregate, event, draft.metadata, self._clock())

    async def read(self, aggregate: Aggregate, *, since: int = 1) -> AsyncIterator[Recorded]:
        """See EventLog.read."""
        for recorded in tuple(self._streams.get(aggregate, ())):
            if recorded.position >= since:
                yield recorded

    async def history(self, aggregate: Aggregate) -> Sequence[Recorded | Unreadable]:
        """All events of one aggregate; see JetStreamLog.history."""
        return tuple(self._streams.get(aggregate, ()))

    async def position_at(self, moment: datetime) -> int:
        """The position of the first event recorded at this moment or later; behind the end where there is none."""
        later = (recorded.position for recorded in self._events if recorded.recorded_at >= moment)
        return next(later, len(self._events) + 1)

    async def follow(
        self, after: int, *, subjects: Sequence[str] = (), until: int | None = None, most: int = ANY
    ) -> AsyncIterator[Sequence[Recorded | Unreadable]]:
        """See EventLog.follow."""
        while until is None or after < until:
            async with self._grown:
                await self._grown.wait_for(lambda position=after: len(self._events) > position)  # type: ignore[misc]
            stop = len(self._events) if until is None else min(until, len(self._events))
            batch = [event for event in self._events[after:stop] if _selected(event, subjects)]
            after = stop
            for start in range(0, len(batch), most):
                yield batch[start : start + most]

    async def last_position(self) -> int:
        """See EventLog.last_position."""
        return len(self._events)


def _selected(event: Recorded, wildcards: Sequence[str]) -> bool:
    subject = subjects.event(event.aggregate, event.event.action)
    return not wildcards or any(subjects.matches(subject, wildcard) for wildcard in wildcards)


class MemorySnapshots:
    """Snapshots that live as long as the process."""

    def __init__(self) -> None:
        self.kept: dict[Aggregate, bytes] = {}

    async def get(self, aggregate: Aggregate) -> bytes | None:
        """The last snapshot, if there is one."""
        return self.kept.get(aggregate)

    async def put(self, aggregate: Aggregate, snapshot: bytes) -> None:
        """Replace the last snapshot."""
        self.kept[aggregate] = snapshot

    async def all(self) -> AsyncIterator[tuple[Aggregate, bytes]]:
        """The last snapshot of each aggregate."""
        for aggregate, snapshot in tuple(self.kept.items()):
            yield aggregate, snapshot
