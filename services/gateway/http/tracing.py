"""A span for each request; all spans that the request causes belong to its trace."""

from __future__ import annotations

import re
from typing import Final

from opentelemetry.trace import SpanKind, StatusCode
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from antiphon.services.runtime.traces import Traces, traceparent_of

_TRACEPARENT: Final = b"traceparent"
_SERVER_ERROR: Final = 500
_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|(?<=/)\d+(?=/|$)")


class TracedRequests:
    """An application with a span for each request, below the sender's span if the request names one."""

    def __init__(self, app: ASGIApp, traces: Traces) -> None:
        self._app = app
        self._traces = traces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request; the application reads this span from the `traceparent` header."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = [(name, value) for name, value in scope["headers"] if name != _TRACEPARENT]
        parent = next((value.decode("latin-1") for name, value in scope["headers"] if name == _TRACEPARENT), None)
        # Without ids: the number of span names must stay small.
        route = _ID.sub("{id}", scope["path"])
        about = {"http.request.method": scope["method"], "url.path": scope["path"], "http.route": route}
        span = self._traces.begin(f"{scope['method']} {route}", parent, kind=SpanKind.SERVER, attributes=about)

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                span.set_attribute("http.response.status_code", message["status"])
                if message["status"] >= _SERVER_ERROR:
                    span.set_status(StatusCode.ERROR)
            await send(message)

        try:
            scope = {**scope, "headers": [*headers, (_TRACEPARENT, traceparent_of(span).encode())]}
            await self._app(scope, receive, sending)
        finally:
            span.end()
