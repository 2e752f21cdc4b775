"""The WebSocket for reading log lines as they arrive (docs/prefect/services.md, section 3)."""

from __future__ import annotations

from functools import partial
from typing import Final

import orjson
from fastapi import APIRouter
from starlette.websockets import WebSocket

from antiphon.projections.filters.objects import LogFilter
from antiphon.services.gateway.context import Gateway
from antiphon.services.gateway.schemas.log_lines import LogLine, includes
from antiphon.services.gateway.streaming.observation_fanout import Observation, ObservationFanout
from antiphon.services.gateway.streaming.websocket_feed import read_filter, send_observations

_KINDS: Final = ("log",)


def _read(body: bytes) -> list[Observation[LogLine]]:
    lines = orjson.loads(body)
    return [Observation(LogLine.of(line), _frame(line)) for line in lines]


def _frame(line: dict[str, object]) -> str:
    # Prefect shows lines before it stores them, without these times.
    shown = line | {"created": None, "updated": None}
    return orjson.dumps({"type": "log", "log": shown}).decode()


def routes(gateway: Gateway) -> APIRouter:
    """Read log lines."""
    router = APIRouter()
    fanout = ObservationFanout(gateway.nats, _KINDS, _read)

    @router.websocket("/logs/out")
    async def logs_out(websocket: WebSocket) -> None:
        subscription = await read_filter(websocket, LogFilter)
        if subscription is not None:
            await send_observations(websocket, fanout, partial(includes, subscription[0]), None)

    return router
