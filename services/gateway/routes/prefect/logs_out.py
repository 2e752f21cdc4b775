"""The WebSocket on which log lines are read as they arrive (services.md section 3)."""

from __future__ import annotations

from functools import partial
from typing import Final

import orjson
from fastapi import APIRouter
from starlette.websockets import WebSocket

from antiphon.projections.filters.objects import LogFilter
from antiphon.services.gateway.context import Gateway
from antiphon.services.gateway.schemas.log_lines import LogLine, includes
from antiphon.services.gateway.streaming.observation_fanout import Item, Live
from antiphon.services.gateway.streaming.websocket_feed import asked, stream

_KINDS: Final = ("log",)


def _read(body: bytes) -> list[Item[LogLine]]:
    lines = orjson.loads(body)
    return [Item(LogLine.of(line), _frame(line)) for line in lines]


def _frame(line: dict[str, object]) -> str:
    # As Prefect's: it has not stored the lines yet when it shows them.
    shown = line | {"created": None, "updated": None}
    return orjson.dumps({"type": "log", "log": shown}).decode()


def routes(gateway: Gateway) -> APIRouter:
    """Let log lines be read."""
    router = APIRouter()
    live = Live(gateway.nats, _KINDS, _read)

    @router.websocket("/logs/out")
    async def logs_out(websocket: WebSocket) -> None:
        asking = await asked(websocket, LogFilter)
        if asking is not None:
            await stream(websocket, live, partial(includes, asking[0]), None)

    return router
