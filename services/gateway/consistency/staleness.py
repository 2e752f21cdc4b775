"""Marks answers that may not show everything that was in the log when they were asked for."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_PROJECTED: Final = "Antiphon-Projected"
_UNAVAILABLE: Final = JSONResponse(
    {"exception_message": "Service Unavailable"}, HTTPStatus.SERVICE_UNAVAILABLE, {_PROJECTED: "false"}
)


@dataclass(slots=True)
class _Answer:
    """What is known of an answer; the tasks that a request is handled in share it."""

    is_late: bool = False


_in_hand: ContextVar[_Answer | None] = ContextVar("in_hand", default=None)


def note_late() -> None:
    """What is answered to the request in hand may be out of date."""
    answer = _in_hand.get()
    if answer is not None:
        answer.is_late = True


class MarkLate:
    """Gives such answers the header `Antiphon-Projected: false`; what was not found may be there: that is a 503."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer()
        token = _in_hand.set(answer)
        is_answered = False

        async def marked(message: Message) -> None:
            nonlocal is_answered
            if answer.is_late and message["type"] == "http.response.start":
                if message["status"] == HTTPStatus.NOT_FOUND:
                    is_answered = True
                    await _UNAVAILABLE(scope, receive, send)
                MutableHeaders(scope=message)[_PROJECTED] = "false"
            if not is_answered:
                await send(message)

        try:
            await self._app(scope, receive, marked)
        finally:
            _in_hand.reset(token)
