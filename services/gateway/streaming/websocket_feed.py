"""Sends observations to the subscriber at a WebSocket."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, TypeVar

import structlog
from pydantic import BaseModel, ValidationError
from starlette.websockets import WebSocket

from antiphon.events.log.errors import LogUnavailableError
from antiphon.services.gateway.streaming import websockets
from antiphon.services.gateway.streaming.observation_fanout import CutOffError, ObservationFanout, Wanted

#: How long a subscriber may read nothing.
_PATIENCE_SECONDS: Final = 30.0

_log = structlog.get_logger(__name__)

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)


async def read_filter(websocket: WebSocket, model: type[M]) -> tuple[M, dict[str, Any]] | None:
    """The filter of a subscriber, and the message that contains it; None if the subscriber was refused."""
    message = await websockets.first_message(websocket)
    if message is None or "type" not in message:
        # Prefect closes the connection without a reason too.
        return None
    if message["type"] != "filter":
        await websocket.close(websockets.PROTOCOL_ERROR, "Expected 'filter' message")
        return None
    try:
        return model.model_validate(message["filter"]), message
    except (KeyError, ValidationError) as error:
        await websockets.refuse(websocket, f"Invalid filter: {error}")
        return None


async def send_observations(
    websocket: WebSocket, fanout: ObservationFanout[T], wanted: Wanted[T], since: datetime | None
) -> None:
    """Send matching observations until the subscriber leaves, first those stored since a moment."""
    try:
        await websockets.while_connected(websocket, _feed(websocket, fanout, wanted, since))
    except (CutOffError, LogUnavailableError, TimeoutError) as error:
        _log.warning("reader cut off", path=websocket.url.path, why=repr(error))
        # Prefect's clients reconnect after this code, and ask for what they missed.
        await websocket.close(websockets.TRY_AGAIN, "Begin again")


async def _feed(websocket: WebSocket, fanout: ObservationFanout[T], wanted: Wanted[T], since: datetime | None) -> None:
    reached: int | None = None
    if since is not None:
        reached = 0
        async for position, texts in fanout.stored(wanted, since=since):
            await _send(websocket, texts)
            reached = position
    async with fanout.subscribed(wanted) as backlog:
        if reached is not None and reached < backlog.after:
            # Observations stored after the last page; later ones are in the backlog.
            async for _, texts in fanout.stored(wanted, after=reached, until=backlog.after):
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
