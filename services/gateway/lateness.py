"""Marks answers that may not show everything that was in the log when they were asked for."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PROJECTED: Final = "Antiphon-Projected"

_late: ContextVar[list[str] | None] = ContextVar("late", default=None)


def note_late() -> None:
    """What is answered to the request in hand may be out of date."""
    noted = _late.get()
    if noted is not None:
        noted.append("")


class MarkLate:
    """Gives such answers the header `Antiphon-Projected: false`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        noted: list[str] = []
        token = _late.set(noted)

        async def marked(message: Message) -> None:
            if noted and message["type"] == "http.response.start":
                MutableHeaders(scope=message)[PROJECTED] = "false"
            await send(message)

        try:
            await self._app(scope, receive, marked)
        finally:
            _late.reset(token)
