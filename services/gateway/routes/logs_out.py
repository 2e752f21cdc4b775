"""The WebSocket on which log lines are read as they arrive (services.md section 3)."""

from __future__ import annotations

from functools import partial
from typing import Final

import orjson
from fastapi import APIRouter
from starlette.websockets import WebSocket

from projections.filters.objects import LogFilter
from services.gateway.gateway import Gateway
from services.gateway.live import Item, Live
from services.gateway.streaming import asked, stream
from services.gateway.wire.log_lines import LogLine, includes

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
