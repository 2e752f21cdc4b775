"""Messages as they came off the connection."""

from __future__ import annotations

from events.log import wire


class Received:
    """A message; not to be changed."""

    __slots__ = ("_headers", "block", "data", "reply", "subject")

    def __init__(self, frame: wire.Frame) -> None:
        self.subject, self.reply, self.block, self.data = frame
        self._headers: dict[str, str] | None = None

    @property
    def headers(self) -> dict[str, str]:
        """Its headers: not everybody reads them, so they are taken apart for whoever does."""
        if self._headers is None:
            self._headers = wire.headers(self.block) if self.block else {}
        return self._headers


class Delivered(Received):
    """A message of a JetStream stream as its consumer was given it: its sequence there, and when it was stored."""

    __slots__ = ("nanoseconds", "position")

    def __init__(self, frame: wire.Frame, position: int, nanoseconds: int) -> None:
        super().__init__(frame)
        self.position = position
        #: Since 1970, UTC.
        self.nanoseconds = nanoseconds
