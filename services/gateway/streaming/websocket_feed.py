"""Sends what is observed to the reader at a WebSocket, for as long as he takes it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, TypeVar

import structlog
from pydantic import BaseModel, ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from antiphon.events.log.errors import LogUnavailableError
from antiphon.services.gateway.streaming import websockets
from antiphon.services.gateway.streaming.observation_fanout import CutOffError, Live, Wanted

#: How long a reader may take nothing.
_PATIENCE_SECONDS: Final = 30.0

_log = structlog.get_logger(__name__)

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)


async def asked(websocket: WebSocket, model: type[M]) -> tuple[M, dict[str, Any]] | None:
    """What a reader wants, and the message that says so; None where he has been turned away."""
    if not await websockets.handshake(websocket):
        return None
    try:
        message = await websockets.message_from(websocket)
    except (WebSocketDisconnect, websockets.UnreadableFrameError):
        return None
    if "type" not in message:
        # Ends it without a word, as Prefect does.
        return None
    if message["type"] != "filter":
        await websocket.close(websockets.PROTOCOL_ERROR, "Expected 'filter' message")
        return None
    try:
        return model.model_validate(message["filter"]), message
    except (KeyError, ValidationError) as error:
        await websockets.refuse(websocket, f"Invalid filter: {error}")
        return None


async def stream(websocket: WebSocket, live: Live[T], wanted: Wanted[T], since: datetime | None) -> None:
    """Send what is wanted until the reader is gone, first what was stored since a moment."""
    try:
        await websockets.while_connected(websocket, _feed(websocket, live, wanted, since))
    except (CutOffError, LogUnavailableError, TimeoutError) as error:
        _log.warning("reader cut off", path=websocket.url.path, why=repr(error))
        # Prefect's readers come back after this, and ask for what they missed.
        await websocket.close(websockets.TRY_AGAIN, "Begin again")


async def _feed(websocket: WebSocket, live: Live[T], wanted: Wanted[T], since: datetime | None) -> None:
    reached: int | None = None
    if since is not None:
        reached = 0
        async for position, texts in live.stored(since, wanted):
            await _send(websocket, texts)
            reached = position
    async with live.joined(wanted) as backlog:
        if reached is not None:
            # What was stored since the last page; what is newer waits already.
            async for texts in live.between(reached, backlog.after, wanted):
                await _send(websocket, texts)
        while True:
            await _send(websocket, await backlog.take())


async def _send(websocket: WebSocket, texts: Iterable[str]) -> None:
    for text in texts:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await websocket.send_text(text)
        except TimeoutError:
            raise CutOffError("takes nothing any more") from None
