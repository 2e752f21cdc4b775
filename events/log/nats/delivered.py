"""Messages as they came off the connection."""

from __future__ import annotations

from antiphon.events.log.nats import bulk_parser


class Received:
    """A message; not to be changed."""

    __slots__ = ("_headers", "block", "data", "reply", "subject")

    def __init__(self, frame: bulk_parser.Frame) -> None:
        self.subject, self.reply, self.block, self.data = frame
        self._headers: dict[str, str] | None = None

    @property
    def headers(self) -> dict[str, str]:
        """Its headers: not everybody reads them, so they are taken apart for whoever does."""
        if self._headers is None:
            self._headers = bulk_parser.headers(self.block) if self.block else {}
        return self._headers


class Delivered(Received):
    """A message of a JetStream stream as its consumer was given it: its sequence there, and when it was stored."""

    __slots__ = ("nanoseconds", "position")

    def __init__(self, frame: bulk_parser.Frame, position: int, nanoseconds: int) -> None:
        super().__init__(frame)
        self.position = position
        #: Since 1970, UTC.
        self.nanoseconds = nanoseconds
