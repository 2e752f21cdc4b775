"""Projects events, and parks the later events of an event stream behind a parked one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from antiphon.events import subjects
from antiphon.events.errors import UndecodableError
from antiphon.events.log.port import Recorded, Unreadable
from antiphon.projections.core.change import Change, Statement
from antiphon.projections.engine.projection import project

#: Stores an event with a reason, for inspection and replay; idempotent.
Park = Callable[[Recorded | Unreadable, str], Awaitable[None]]

_WAITS: Final = "waits behind an event that was parked"


class EventReader:
    """A `Reader` of the log (runner.py)."""

    def __init__(self, parked: dict[str, int], park: Park) -> None:
        #: Event streams to the position of their parked event; later events of the stream wait.
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
        """See Reader; the later events of the stream wait from now on."""
        await self._park(item, why)
        stream = stream_of(item)
        self._parked.setdefault(stream, item.position)
        return [Statement("park", {"subject": stream, "position": item.position})]

    def waiting_from(self, stream: str) -> int | None:
        """The position of the parked event of an event stream, if it has one."""
        return self._parked.get(stream)

    def again(self, stream: str, items: Sequence[Recorded | Unreadable]) -> Sequence[Change]:
        """The changes of the waiting events of a stream; raises UndecodableError if one still cannot be read."""
        changes: list[Change] = []
        for item in items:
            if isinstance(item, Unreadable):
                raise UndecodableError(f"position {item.position}: {item.error}")
            changes += project(item)
        return [*changes, Statement("unpark", {"subject": stream})]

    def go_on(self, stream: str) -> None:
        """End the waiting of an event stream, once the changes from `again` are committed."""
        self._parked.pop(stream, None)


def stream_of(item: Recorded | Unreadable) -> str:
    """The subject of the event stream, without the action."""
    if isinstance(item, Unreadable):
        return subjects.stream_of(subjects.printable(item.subject))
    return subjects.event_stream(item.aggregate).removesuffix(".>")
