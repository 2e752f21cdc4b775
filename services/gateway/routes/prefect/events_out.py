"""The WebSocket on which events are read as they happen, after those of the last minutes (services.md section 3)."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from fastapi import APIRouter
from starlette.websockets import WebSocket

from antiphon.services.gateway.context import Gateway
from antiphon.services.gateway.schemas.event_filters import EventFilter, ObservedEvent
from antiphon.services.gateway.streaming.observation_fanout import Item, Live
from antiphon.services.gateway.streaming.websocket_feed import asked, stream
from antiphon.services.runtime import clock

_KINDS: Final = ("flow_run", "task_run", "other")
#: Prefect's `events.maximum_websocket_backfill`.
_LONGEST_BACKFILL: Final = timedelta(minutes=15)
#: What occurs is stored afterwards, unless the clock of who reports it is ahead of ours: so much is allowed for.
_AHEAD: Final = timedelta(minutes=1)


def _read(body: bytes) -> list[Item[ObservedEvent]]:
    return [Item(ObservedEvent.of(body), f'{{"type":"event","event":{body.decode()}}}')]


def routes(gateway: Gateway) -> APIRouter:
    """Let events be read."""
    router = APIRouter()
    live = Live(gateway.nats, _KINDS, _read)

    @router.websocket("/events/out")
    async def events_out(websocket: WebSocket) -> None:
        asking = await asked(websocket, EventFilter)
        if asking is None:
            return
        wanted, message = asking
        since = max(wanted.occurred.since, clock.now() - _LONGEST_BACKFILL)
        wanted.occurred.since = since
        await stream(websocket, live, wanted.includes, since - _AHEAD if message.get("backfill", True) else None)

    return router
