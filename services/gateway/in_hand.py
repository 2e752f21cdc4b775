"""Counts the requests that a gateway has in hand."""

from __future__ import annotations

from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send


class CountInHand:
    """The application; `note` is told of each request how many there are with it.

    Only requests to Prefect's API count: our own streams last as long as somebody reads them.
    """

    def __init__(self, app: ASGIApp, note: Callable[[int], None]) -> None:
        self._app = app
        self._note = note
        self._in_hand = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through."""
        if scope["type"] != "http" or not scope["path"].startswith("/api/"):
            await self._app(scope, receive, send)
            return
        self._in_hand += 1
        self._note(self._in_hand)
        try:
            await self._app(scope, receive, send)
        finally:
            self._in_hand -= 1
