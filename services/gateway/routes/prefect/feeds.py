"""The WebSockets for reading events and log lines as they arrive (docs/prefect/services.md, section 3)."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Final

import orjson
from fastapi import APIRouter
from nats.aio.client import Client
from starlette.websockets import WebSocket

from antiphon.projections.filters.objects import LogFilter
from antiphon.services.gateway.schemas.event_filters import ObservedEvent, PrefectEventFilter
from antiphon.services.gateway.schemas.logs import LogLine, includes
from antiphon.services.gateway.streaming.observation_fanout import Observation, ObservationFanout
from antiphon.services.gateway.streaming.websocket_feed import read_filter, send_observations
from antiphon.services.runtime import clock

#: Prefect's `events.maximum_websocket_backfill`.
_LONGEST_BACKFILL: Final = timedelta(minutes=15)
#: Events are stored after they occur, but the reporter's clock may be ahead of ours by this much.
_AHEAD: Final = timedelta(minutes=1)


def routes(client: Client) -> APIRouter:
    """Read events fanout, after those of the last minutes, and log lines."""
    router = APIRouter()
    events = ObservationFanout(client, ("flow_run", "task_run", "other"), _events)
    lines = ObservationFanout(client, ("log",), _lines)

    @router.websocket("/events/out")
    async def events_out(websocket: WebSocket) -> None:
        subscription = await read_filter(websocket, PrefectEventFilter)
        if subscription is None:
            return
        wanted, message = subscription
        since = wanted.occurred.since = max(wanted.occurred.since, clock.now() - _LONGEST_BACKFILL)
        stored_since = since - _AHEAD if message.get("backfill", True) else None
        await send_observations(websocket, events, wanted.includes, stored_since)

    @router.websocket("/logs/out")
    async def logs_out(websocket: WebSocket) -> None:
        subscription = await read_filter(websocket, LogFilter)
        if subscription is not None:
            await send_observations(websocket, lines, partial(includes, subscription[0]), None)

    return router


def _events(body: bytes) -> list[Observation[ObservedEvent]]:
    return [Observation(ObservedEvent.model_validate_json(body), f'{{"type":"event","event":{body.decode()}}}')]


def _lines(body: bytes) -> list[Observation[LogLine]]:
    return [Observation(LogLine.model_validate(line), _frame(line)) for line in orjson.loads(body)]


def _frame(line: dict[str, object]) -> str:
    # Prefect shows lines before it stores them, without these times.
    shown = line | {"created": None, "updated": None}
    return orjson.dumps({"type": "log", "log": shown}).decode()
