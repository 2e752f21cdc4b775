"""A WebSocket protocol that lets the application answer pings.

To Prefect's client a pong confirms all events that it sent before the ping; it then forgets them.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol

#: The key of a received ping; its value is the function that answers it.
PONG: Final = "pong"
Pong = Callable[[], None]


class _HeldPongs(ServerProtocol):
    """Collects the pongs that websockets would send at once."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.held: deque[Frame] = deque()

    def send_frame(self, frame: Frame) -> None:
        """Send a frame; hold a pong back until it is released."""
        if frame.opcode is Opcode.PONG:
            self.held.append(frame)
        else:
            super().send_frame(frame)

    def release(self, pong: Frame) -> None:
        """Send a pong."""
        super().send_frame(pong)


class ManualPongProtocol(WebSocketsSansIOProtocol):
    """Delivers a ping to the application in order, as a message with the key `pong`."""

    conn: _HeldPongs

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.conn = _HeldPongs(
            extensions=self.conn.available_extensions, max_size=config.ws_max_size, logger=self.conn.logger
        )

    async def send(self, message: Any) -> None:
        """Send as usual; a peer that reads nothing would not read the closing frame either."""
        if message["type"] == "websocket.close" and not self.writable.is_set():
            self.transport.abort()
            return
        await super().send(message)

    def handle_ping(self) -> None:
        """Queue the ping behind earlier frames; like a frame, it pauses reading until it is taken."""
        answer = partial(self._answer, self.conn.held.popleft())
        if self.close_sent:
            return
        message: Any = {"type": "websocket.receive", PONG: answer}
        self.queue.put_nowait(message)
        if not self.read_paused:
            self.read_paused = True
            self.transport.pause_reading()

    def _answer(self, pong: Frame) -> None:
        if self.conn.state is not State.OPEN or self.transport.is_closing():
            return
        self.conn.release(pong)
        self.transport.write(b"".join(self.conn.data_to_send()))
