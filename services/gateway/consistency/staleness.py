"""Marks answers that may lack decisions that were in the log when the request came."""

from __future__ import annotations

from contextvars import ContextVar
from http import HTTPStatus
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_PROJECTED: Final = "Antiphon-Projected"
_UNAVAILABLE: Final = JSONResponse(
    {"exception_message": "Service Unavailable"}, HTTPStatus.SERVICE_UNAVAILABLE, {_PROJECTED: "false"}
)

#: Holds an element if the answer is stale; all tasks that work for one request share the list.
_stale: ContextVar[list[bool]] = ContextVar("stale")


def mark_stale() -> None:
    """The answer to the current request may be out of date."""
    _stale.get([]).append(True)


class StaleReadHeader:
    """Gives stale answers the header `Antiphon-Projected: false`; a stale 404 becomes a 503: the object may exist."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        stale: list[bool] = []
        token = _stale.set(stale)
        is_replaced = False

        async def marked(message: Message) -> None:
            nonlocal is_replaced
            if stale and message["type"] == "http.response.start":
                if message["status"] == HTTPStatus.NOT_FOUND:
                    is_replaced = True
                    await _UNAVAILABLE(scope, receive, send)
                MutableHeaders(scope=message)[_PROJECTED] = "false"
            if not is_replaced:
                await send(message)

        try:
            await self._app(scope, receive, marked)
        finally:
            _stale.reset(token)
