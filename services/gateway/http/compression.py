"""Compresses large answers for clients that take gzip."""

from __future__ import annotations

import zlib
from functools import cached_property
from typing import Any, Final

from isal import isal_zlib
from starlette.datastructures import Headers
from starlette.middleware.gzip import GZipMiddleware, GZipResponder
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

#: Small answers cost more to compress than to send.
_FROM_BYTES: Final = 16_000
#: ISA-L takes a fifth of zlib's time at its quickest, and its answers are no larger; its higher levels save nothing.
_LEVEL: Final = 1
#: Below this a thread costs more than it spares the event loop, which is held up for a millisecond.
_THREAD_FROM_BYTES: Final = 1 << 20


class Compression(GZipMiddleware):
    """Starlette's, with ISA-L in the place of zlib."""

    def __init__(self, app: ASGIApp) -> None:
        """Compress what an application answers."""
        super().__init__(app, minimum_size=_FROM_BYTES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "http" and "gzip" in Headers(scope=scope).get("Accept-Encoding", ""):
            responder = _Responder(self.app, self.minimum_size, thread_minimum_size=_THREAD_FROM_BYTES)
            await responder(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


async def respond(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Send a response as it would be sent behind `Compression`."""
    await (response if len(response.body) < _FROM_BYTES else Compression(response))(scope, receive, send)


class _Responder(GZipResponder):
    @cached_property
    def compressor(self) -> Any:
        return isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, 16 + zlib.MAX_WBITS)
