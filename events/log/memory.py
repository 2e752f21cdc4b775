"""The log in memory: the same behaviour without a server, for tests and for trying deciders out."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime

from antiphon.events import codec, subjects
from antiphon.events.log.errors import ConflictError
from antiphon.events.log.port import ANY, Draft, Recorded, Unreadable, check_drafts
from antiphon.events.subjects import Aggregate


class MemoryLog:
    """An `EventLog` that lives as long as the process; encodes and decodes like the real one."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._events: list[Recorded] = []
        self._streams: defaultdict[Aggregate, list[Recorded]] = defaultdict(list)
        self._grown = asyncio.Condition()

    async def append(self, drafts: Sequence[Draft], expected: Mapping[Aggregate, int]) -> Sequence[int]:
        """See EventLog.append."""
        check_drafts(drafts, expected)
        for aggregate, position in expected.items() if drafts else ():
            if self._last(aggregate) != position:
                raise ConflictError(f"{aggregate} is at {self._last(aggregate)}, not at {position}")
        first = len(self._events) + 1
        records = [self._recorded(draft, position) for position, draft in enumerate(drafts, first)]
        self._events.extend(records)
        for recorded in records:
            self._streams[recorded.aggregate].append(recorded)
        async with self._grown:
            self._grown.notify_all()
        return range(first, first + len(records))

    def _recorded(self, draft: Draft, position: int) -> Recorded:
        body = codec.encode(draft.event)
        action = draft.event.TYPE.partition(".")[2]
        event = codec.decode_event(draft.aggregate, action, draft.event.VERSION, body)
        return Recorded(position, draft.aggregate, event, draft.metadata, self._clock())

    def _last(self, aggregate: Aggregate) -> int:
        stream = self._streams.get(aggregate)
        return stream[-1].position if stream else 0

    async def read(self, aggregate: Aggregate, *, since: int = 1) -> Sequence[Recorded]:
        """See EventLog.read."""
        return [recorded for recorded in self._streams.get(aggregate, ()) if recorded.position >= since]

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
    subject = subjects.event(event.aggregate, event.event.TYPE.partition(".")[2])
    return not wildcards or any(subjects.matches(subject, wildcard) for wildcard in wildcards)
