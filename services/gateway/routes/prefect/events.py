"""Routes of events, and the WebSocket over which clients send them (docs/prefect/services.md, section 3)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Collection
from typing import Final

import structlog
from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from antiphon.events.json_bytes import without_nul
from antiphon.events.log.errors import LogUnavailableError
from antiphon.services.gateway.context import gateway_of
from antiphon.services.gateway.http.body_parsing import CheckedRoute
from antiphon.services.gateway.http.errors import RequestTooLargeError
from antiphon.services.gateway.observations import observe_event
from antiphon.services.gateway.schemas.events import ReportedEvent
from antiphon.services.gateway.streaming import websockets
from antiphon.services.gateway.streaming.websocket_protocol import Pong

#: The number of events of one connection that may be on their way to disk at once.
_IN_FLIGHT: Final = 64

_log = structlog.get_logger(__name__)

router = APIRouter(route_class=CheckedRoute)


@router.post("/events", status_code=204)
async def create(request: Request, events: list[ReportedEvent]) -> Response:
    for event in events:
        await observe_event(gateway_of(request).nats, event)
    return Response(status_code=204)


@router.websocket("/events/in")
async def events_in(websocket: WebSocket) -> None:
    # All received events are on disk before the connection is closed.
    client = gateway_of(websocket).nats
    in_flight: deque[asyncio.Task[None]] = deque()
    try:
        is_accepted = await websockets.handshake(websocket)
        while is_accepted:
            frame = await _next_frame(websocket, in_flight)
            if isinstance(frame, str):
                taking = observe_event(client, ReportedEvent.model_validate_json(without_nul(frame.encode())))
            else:
                taking = _confirm(tuple(in_flight), frame)
            in_flight.append(asyncio.create_task(taking))
            while len(in_flight) > _IN_FLIGHT:
                await in_flight.popleft()
    except WebSocketDisconnect:
        await _settle(in_flight)
    except LogUnavailableError as error:
        # The client keeps unconfirmed events and sends them again on its next connection.
        _log.warning("events not taken", error=str(error))
        await websocket.close(websockets.TRY_AGAIN, "The log is unavailable")
        await _settle(in_flight)
    except RequestTooLargeError as error:
        await _settle(in_flight)
        await websocket.close(websockets.TOO_BIG, error.detail)
    except (ValidationError, websockets.UnreadableFrameError) as error:
        # Prefect closes the connection without a reason too.
        await _settle(in_flight)
        _log.warning("not an event", error=str(error))


async def _confirm(before: Collection[asyncio.Task[None]], pong: Pong) -> None:
    """Answer a ping once the earlier events are on disk."""
    if before:
        await asyncio.wait(before)
    # After a failure the connection is about to be closed, so that the client sends the events again.
    if all(task.exception() is None for task in before):
        pong()


async def _next_frame(websocket: WebSocket, in_flight: deque[asyncio.Task[None]]) -> str | Pong:
    """The next frame; raises the failure of an earlier event at once, even if the client sends nothing."""
    receiving = asyncio.ensure_future(websockets.frame(websocket))
    try:
        while not receiving.done():
            await asyncio.wait({receiving, *list(in_flight)[:1]}, return_when=asyncio.FIRST_COMPLETED)
            while in_flight and in_flight[0].done():
                in_flight.popleft().result()
        return receiving.result()
    finally:
        receiving.cancel()


async def _settle(in_flight: deque[asyncio.Task[None]]) -> None:
    for result in await asyncio.gather(*in_flight, return_exceptions=True):
        if isinstance(result, LogUnavailableError | RequestTooLargeError):
            _log.warning("event not taken", error=str(result))
        elif result is not None:
            raise result
