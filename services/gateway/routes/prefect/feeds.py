"""The WebSockets for reading events and log lines as they arrive (docs/prefect/services.md, section 3)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, TypeVar

import orjson
import structlog
from fastapi import APIRouter
from nats.aio.client import Client
from pydantic import BaseModel, ValidationError
from starlette.websockets import WebSocket

from antiphon.events.log.errors import LogUnavailableError
from antiphon.projections.filters.objects import LogFilter
from antiphon.services.gateway.schemas.event_filters import ObservedEvent, PrefectEventFilter
from antiphon.services.gateway.schemas.logs import LogLine, includes
from antiphon.services.gateway.streaming import websockets
from antiphon.services.gateway.streaming.observation_fanout import CutOffError, Observation, ObservationFanout, Wanted
from antiphon.services.runtime import clock

#: Prefect's `events.maximum_websocket_backfill`.
_LONGEST_BACKFILL: Final = timedelta(minutes=15)
#: Events are stored after they occur, but the reporter's clock may be ahead of ours by this much.
_AHEAD: Final = timedelta(minutes=1)
#: How long a subscriber may read nothing.
_PATIENCE_SECONDS: Final = 30.0

_log = structlog.get_logger(__name__)

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)


def routes(client: Client) -> APIRouter:
    """Read events fanout, after those of the last minutes, and log lines."""
    router = APIRouter()
    events = ObservationFanout(client, ("flow_run", "task_run", "other"), _events)
    lines = ObservationFanout(client, ("log",), _lines)

    @router.websocket("/events/out")
    async def events_out(websocket: WebSocket) -> None:
        subscription = await _read_filter(websocket, PrefectEventFilter)
        if subscription is None:
            return
        wanted, message = subscription
        since = wanted.occurred.since = max(wanted.occurred.since, clock.now() - _LONGEST_BACKFILL)
        stored_since = since - _AHEAD if message.get("backfill", True) else None
        await _send_observations(websocket, events, wanted.includes, stored_since)

    @router.websocket("/logs/out")
    async def logs_out(websocket: WebSocket) -> None:
        subscription = await _read_filter(websocket, LogFilter)
        if subscription is not None:
            await _send_observations(websocket, lines, partial(includes, subscription[0]), None)

    return router


def _events(body: bytes) -> list[Observation[ObservedEvent]]:
    return [Observation(ObservedEvent.model_validate_json(body), f'{{"type":"event","event":{body.decode()}}}')]


def _lines(body: bytes) -> list[Observation[LogLine]]:
    return [Observation(LogLine.model_validate(line), _frame(line)) for line in orjson.loads(body)]


def _frame(line: dict[str, object]) -> str:
    # Prefect shows lines before it stores them, without these times.
    shown = line | {"created": None, "updated": None}
    return orjson.dumps({"type": "log", "log": shown}).decode()


async def _read_filter(websocket: WebSocket, model: type[M]) -> tuple[M, dict[str, Any]] | None:
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


async def _send_observations(
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
