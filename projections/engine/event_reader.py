"""Projects events, and parks the later events of an event stream behind a parked one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from antiphon.events import subjects
from antiphon.events.errors import UndecodableError
from antiphon.events.log.port import Recorded, Unreadable
from antiphon.events.unhandled import Reason, one_line
from antiphon.projections.core.change import Change, Statement
from antiphon.projections.engine.projection import project

#: Takes note of an event that was parked, and why.
Note = Callable[[Recorded | Unreadable, str], None]


def no_note(item: Recorded | Unreadable, why: str) -> None:
    """For readers of events that another reader takes note of."""


class EventReader:
    """A `Reader` of the log (runner.py).

    The log keeps every event, so a parked one is only listed, with the number of those that wait behind it, in the
    transaction of the checkpoint (parked_streams.py).
    """

    def __init__(self, parked: dict[str, int], note: Note = no_note) -> None:
        #: Event streams to the position of their parked event; later events of the stream wait.
        self._parked = parked
        self._note = note

    def changes(self, item: Recorded | Unreadable) -> Sequence[Change]:
        """See Reader."""
        if self._parked and item.position > self._parked.get(stream_of(item), item.position):
            return [Statement("wait", {"subject": stream_of(item)})]
        if isinstance(item, Unreadable):
            return self.put_aside(item, Reason.UNREADABLE, item.error)
        try:
            return project(item)
        except UndecodableError as error:
            return self.put_aside(item, Reason.UNREADABLE, str(error))

    def put_aside(self, item: Recorded | Unreadable, reason: Reason, why: str) -> Sequence[Change]:
        """See Reader; the later events of the stream wait from now on."""
        stream = stream_of(item)
        first = self._parked.get(stream)
        # A batch whose write failed is read again.
        if first is None or item.position < first:
            self._parked[stream] = item.position
            self._note(item, why)
        return [
            Statement(
                "park",
                {
                    "subject": stream,
                    "position": item.position,
                    "recorded_at": item.recorded_at,
                    "reason": reason.value,
                    "error": one_line(why),
                },
            )
        ]

    async def store_aside(self) -> None:
        """See Reader: the log has the parked events already."""

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
        return [*changes, Statement("heal", {"subject": stream})]

    def go_on(self, stream: str) -> None:
        """End the waiting of an event stream, once the changes from `again` are committed."""
        self._parked.pop(stream, None)


def stream_of(item: Recorded | Unreadable) -> str:
    """The subject of the event stream, without the action."""
    if isinstance(item, Unreadable):
        return subjects.stream_of(subjects.printable(item.subject))
    return subjects.event_stream(item.aggregate).removesuffix(".>")
