"""A WebSocket protocol that leaves the answer to a client's ping to the application.

Prefect's client takes a pong for the confirmation of all events it sent before the ping, and forgets them.
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

#: The key of a received message that is a ping: it holds what answers it.
PONG: Final = "pong"
Pong = Callable[[], None]


class _Withholding(ServerProtocol):
    """Collects the pongs that websockets would send by itself."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.withheld: deque[Frame] = deque()

    def send_frame(self, frame: Frame) -> None:
        """Send a frame, but a pong only when it is released."""
        if frame.opcode is Opcode.PONG:
            self.withheld.append(frame)
        else:
            super().send_frame(frame)

    def release(self, pong: Frame) -> None:
        """Send a pong now."""
        super().send_frame(pong)


class PongsByApplication(WebSocketsSansIOProtocol):
    """Hands a ping to the application in its turn, as a message with the key `pong`."""

    conn: _Withholding

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.conn = _Withholding(
            extensions=self.conn.available_extensions, max_size=config.ws_max_size, logger=self.conn.logger
        )

    async def send(self, message: Any) -> None:
        """Send as usual; but a peer that takes nothing would not take the end of the connection either."""
        if message["type"] == "websocket.close" and not self.writable.is_set():
            self.transport.abort()
            return
        await super().send(message)

    def handle_ping(self) -> None:
        """Queue the ping behind the frames before it; like a frame, it stops the reading until it is taken."""
        answer = partial(self._answer, self.conn.withheld.popleft())
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
