"""Asks where the log ends as soon as a request to read comes, while that is still being taken apart (docs/adr/0015)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from typing import Any, Final

from starlette.types import ASGIApp, Receive, Scope, Send

#: What a path ends with that is asked with a body. None of these changes anything: it is enough to have asked once.
_WITH_BODY: Final = frozenset({"count", "filter", "history", "lateness", "paginate"})
#: Turns of the event loop until nats-py has sent the question. Without them a request whose body is there is handled
#: up to the point where it wants the answer before the question is on its way (measured: then nothing is gained).
_TURNS: Final = 5
_OF_RUNS: Final = ("/api/flow_runs/", "/api/task_runs/")

_asked: ContextVar[asyncio.Task[int] | None] = ContextVar("asked", default=None)


def asked() -> asyncio.Task[int] | None:
    """The question that was put when the request in hand came; None if none was."""
    return _asked.get()


class AskEarly:
    """Has the answer on its way when a route wants it."""

    def __init__(self, app: ASGIApp, ask: Callable[[], Coroutine[Any, Any, int]]) -> None:
        self._app = app
        self._ask = ask

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through."""
        if not _reads(scope):
            await self._app(scope, receive, send)
            return
        question = asyncio.create_task(self._ask())
        token = _asked.set(question)
        try:
            for _ in range(_TURNS):
                await asyncio.sleep(0)
            await self._app(scope, receive, send)
        finally:
            _asked.reset(token)
            # A request that is refused does not want the answer, nor what went wrong with it.
            question.cancel()


def _reads(scope: Scope) -> bool:
    if scope["type"] != "http":
        return False
    path: str = scope["path"]
    if scope["method"] == "POST":
        return path.rpartition("/")[2] in _WITH_BODY and path.startswith("/api/")
    return scope["method"] == "GET" and path.startswith(_OF_RUNS)
