"""The WebSocket for reading events fanout, after those of the last minutes (docs/prefect/services.md, section 3)."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from fastapi import APIRouter
from starlette.websockets import WebSocket

from antiphon.services.gateway.context import Gateway
from antiphon.services.gateway.schemas.event_filters import ObservedEvent, PrefectEventFilter
from antiphon.services.gateway.streaming.observation_fanout import Observation, ObservationFanout
from antiphon.services.gateway.streaming.websocket_feed import read_filter, send_observations
from antiphon.services.runtime import clock

_KINDS: Final = ("flow_run", "task_run", "other")
#: Prefect's `events.maximum_websocket_backfill`.
_LONGEST_BACKFILL: Final = timedelta(minutes=15)
#: Events are stored after they occur, but the reporter's clock may be ahead of ours by this much.
_AHEAD: Final = timedelta(minutes=1)


def _read(body: bytes) -> list[Observation[ObservedEvent]]:
    return [Observation(ObservedEvent.of(body), f'{{"type":"event","event":{body.decode()}}}')]


def routes(gateway: Gateway) -> APIRouter:
    """Read events."""
    router = APIRouter()
    fanout = ObservationFanout(gateway.nats, _KINDS, _read)

    @router.websocket("/events/out")
    async def events_out(websocket: WebSocket) -> None:
        subscription = await read_filter(websocket, PrefectEventFilter)
        if subscription is None:
            return
        wanted, message = subscription
        since = max(wanted.occurred.since, clock.now() - _LONGEST_BACKFILL)
        wanted.occurred.since = since
        await send_observations(
            websocket, fanout, wanted.includes, since - _AHEAD if message.get("backfill", True) else None
        )

    return router
