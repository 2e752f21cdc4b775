"""Reads events for the projections, and keeps an event stream waiting behind one that was parked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from antiphon.events import subjects
from antiphon.events.errors import UndecodableError
from antiphon.events.log.port import Recorded, Unreadable
from antiphon.projections.core.change import Change, Statement
from antiphon.projections.engine.projection import project

#: Keeps an event where it can be looked at and replayed; may be told twice about the same one.
Park = Callable[[Recorded | Unreadable, str], Awaitable[None]]

_WAITS: Final = "waits behind an event that was parked"


class EventReader:
    """A `Reader` of the log (runner.py)."""

    def __init__(self, parked: dict[str, int], park: Park) -> None:
        #: Event streams with a parked event, and its position: what comes behind it waits.
        self._parked = parked
        self._park = park

    async def changes(self, item: Recorded | Unreadable) -> Sequence[Change]:
        """See Reader."""
        if isinstance(item, Unreadable):
            return await self.put_aside(item, item.error)
        if self._parked and item.position > self._parked.get(stream_of(item), item.position):
            return await self.put_aside(item, _WAITS)
        try:
            return project(item)
        except UndecodableError as error:
            return await self.put_aside(item, str(error))

    async def put_aside(self, item: Recorded | Unreadable, why: str) -> Sequence[Change]:
        """See Reader; from now on the event stream waits."""
        await self._park(item, why)
        stream = stream_of(item)
        self._parked.setdefault(stream, item.position)
        return [Statement("park", {"subject": stream, "position": item.position})]

    def waiting_from(self, stream: str) -> int | None:
        """The position of the event that an event stream waits behind."""
        return self._parked.get(stream)

    def again(self, stream: str, items: Sequence[Recorded | Unreadable]) -> Sequence[Change]:
        """What the events of a stream that waits change now; raises UndecodableError if one still cannot be read."""
        changes: list[Change] = []
        for item in items:
            if isinstance(item, Unreadable):
                raise UndecodableError(f"position {item.position}: {item.error}")
            changes += project(item)
        return [*changes, Statement("unpark", {"subject": stream})]

    def go_on(self, stream: str) -> None:
        """What `again` returned is written: the event stream waits no longer."""
        self._parked.pop(stream, None)


def stream_of(item: Recorded | Unreadable) -> str:
    """The subject of the event stream, without the action."""
    if isinstance(item, Unreadable):
        return subjects.stream_of(subjects.printable(item.subject))
    return subjects.event_stream(item.aggregate).removesuffix(".>")
