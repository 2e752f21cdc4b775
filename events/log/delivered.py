"""A message as a consumer was given it."""

from __future__ import annotations

from events.log import wire


class Delivered:
    """A message of a JetStream stream, its sequence there, and when it was stored; not to be changed."""

    __slots__ = ("_headers", "block", "data", "nanoseconds", "position", "reply", "subject")

    def __init__(self, frame: wire.Frame, position: int, nanoseconds: int) -> None:
        self.subject, self.reply, self.block, self.data = frame
        self.position = position
        #: Since 1970, UTC.
        self.nanoseconds = nanoseconds
        self._headers: dict[str, str] | None = None

    @property
    def headers(self) -> dict[str, str]:
        """Its headers: not everybody reads them, so they are taken apart for whoever does."""
        if self._headers is None:
            self._headers = wire.headers(self.block) if self.block else {}
        return self._headers
