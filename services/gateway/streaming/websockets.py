"""The common part of Prefect's WebSockets (docs/prefect/services.md, section 3)."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Coroutine
from typing import Any, Final

from starlette.websockets import WebSocket, WebSocketDisconnect

from antiphon.events.json_bytes import without_nul
from antiphon.services.gateway.streaming.websocket_protocol import PONG, Pong

_SUBPROTOCOL: Final = "prefect"
PROTOCOL_ERROR: Final = 1002
POLICY_VIOLATION: Final = 1008
TOO_BIG: Final = 1009
TRY_AGAIN: Final = 1013
#: The room for a reason in a closing frame.
_LONGEST_REASON: Final = 123


class UnreadableFrameError(Exception):
    """A frame is invalid: the connection ends without a reason, as on Prefect's server."""


async def handshake(websocket: WebSocket) -> bool:
    """Accept as Prefect does: with its subprotocol an auth message follows, otherwise none; False for a refusal.

    Raises WebSocketDisconnect and UnreadableFrameError.
    """
    if _SUBPROTOCOL not in websocket.scope.get("subprotocols", ()):
        await websocket.accept()
        return True
    await websocket.accept(subprotocol=_SUBPROTOCOL)
    message = await message_from(websocket)
    if message.get("type") != "auth":
        await websocket.close(POLICY_VIOLATION, "Expected 'auth' message")
        return False
    await websocket.send_json({"type": "auth_success"})
    return True


async def first_message(websocket: WebSocket) -> dict[str, Any] | None:
    """The first message after the handshake; None if the connection has ended or been refused."""
    try:
        return await message_from(websocket) if await handshake(websocket) else None
    except (WebSocketDisconnect, UnreadableFrameError):
        return None


async def frame(websocket: WebSocket) -> str | Pong:
    """The text of the next frame, or the function that answers a ping; raises UnreadableFrameError for bytes."""
    message = await websocket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message["code"], message.get("reason"))
    received: str | Pong | None = message.get(PONG) or message.get("text")
    if received is None:
        raise UnreadableFrameError("it is no text")
    return received


async def message_from(websocket: WebSocket) -> dict[str, Any]:
    """The next message, a JSON object; earlier pings are answered."""
    while not isinstance(received := await frame(websocket), str):
        received()
    return message_in(received)


def message_in(text: str) -> dict[str, Any]:
    """The message in a frame; raises UnreadableFrameError if it is not a JSON object."""
    try:
        message = json.loads(without_nul(text.encode()))
    except (ValueError, RecursionError) as error:
        raise UnreadableFrameError(str(error)) from error
    if not isinstance(message, dict):
        raise UnreadableFrameError("it is no JSON object")
    return message


async def while_connected(
    websocket: WebSocket, work: Coroutine[Any, Any, None], on_text: Callable[[str], object] = lambda _: None
) -> None:
    """Work until it is done or the client leaves; pings are answered, and `on_text` gets every other text."""
    working, listening = asyncio.create_task(work), asyncio.create_task(_listen(websocket, on_text))
    try:
        await asyncio.wait({working, listening}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        listening.cancel()
        working.cancel()
        await asyncio.wait({working, listening})
    for task in (working, listening):
        if not task.cancelled():
            with contextlib.suppress(WebSocketDisconnect):
                task.result()


async def _listen(websocket: WebSocket, on_text: Callable[[str], object]) -> None:
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            return
        if PONG in message:
            message[PONG]()
        else:
            on_text(message.get("text") or "")


async def refuse(websocket: WebSocket, reason: str) -> None:
    """Close because of an invalid message; a reason that is too long for a frame is left out."""
    if len(reason.encode()) <= _LONGEST_REASON:
        await websocket.close(PROTOCOL_ERROR, reason)
