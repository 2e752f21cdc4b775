"""The gateway process: an HTTP server, a NATS connection and a pool of PostgreSQL connections."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from antiphon.events import subjects
from antiphon.services.gateway.app import build
from antiphon.services.gateway.context import Gateway, connected
from antiphon.services.gateway.streaming.websocket_protocol import ManualPongProtocol
from antiphon.services.runtime.discovery import Endpoint, discoverable
from antiphon.services.runtime.nats import application
from antiphon.services.runtime.settings import Settings
from antiphon.services.runtime.telemetry import traces_of

_WEBSOCKET_PING_SECONDS: Final = 20.0
_BACKLOG: Final = 2048
#: After a stop, how long requests may go on, and how long the server waits for a client that reads nothing.
_GRACE_SECONDS: Final = 5
_UNREAD_SECONDS: Final = 2.0


async def run(settings: Settings) -> None:
    """Serve the API until asked to stop."""
    with traces_of("gateway") as traces:
        async with application(settings, "gateway") as (_, _, client), connected(client, settings) as gateway:
            app = build(gateway)
            if traces is not None:
                # See services/runtime/telemetry.py.
                from antiphon.services.gateway.http.tracing import TracedRequests

                app = TracedRequests(app, traces)
            # The gateway answers nothing on NATS: it listens to the projections' announcements.
            endpoint = Endpoint("http", subjects.projection_committed("*"), "", gateway.metrics.tally)
            address = {"url": f"http://{settings.api_host}:{settings.api_port}/api"}
            async with discoverable(client, "gateway", [endpoint], address):
                await _serve(gateway, app, settings)


async def _serve(gateway: Gateway, app: ASGIApp, settings: Settings) -> None:
    server = _Server(
        uvicorn.Config(
            app,
            host=settings.api_host,
            port=settings.api_port,
            loop="none",
            http="httptools",
            ws=ManualPongProtocol,
            ws_ping_interval=_WEBSOCKET_PING_SECONDS,
            ws_ping_timeout=_WEBSOCKET_PING_SECONDS,
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            backlog=_BACKLOG,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        ),
        gateway.stopping,
    )
    serving = asyncio.create_task(server.serve())
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        server.should_exit = True
        await serving
        raise


class _Server(uvicorn.Server):
    """Leaves signals to services/runtime/lifecycle.py, and ends open streams when it stops."""

    def __init__(self, config: uvicorn.Config, stopping: asyncio.Event) -> None:
        super().__init__(config)
        self._stopping = stopping

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Refuse new requests and close connections: WebSockets with 1012, others after their answer."""
        self._stopping.set()
        aborting = asyncio.get_running_loop().call_later(_UNREAD_SECONDS, self._abort_unread)
        await super().shutdown(sockets)
        aborting.cancel()

    def _abort_unread(self) -> None:
        # A client that reads nothing would be waited for in vain.
        for connection in tuple(self.server_state.connections):
            transport = connection.transport
            if transport is not None and transport.get_write_buffer_size():
                transport.abort()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture no signals."""
        yield
