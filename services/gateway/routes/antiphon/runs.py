"""Runs in the log: all events of a run in order, and the run as it was at any moment."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response

from antiphon.events.client.client import Client
from antiphon.events.record import record
from antiphon.events.subjects import Aggregate
from antiphon.projections.core.reading import encoded
from antiphon.services.gateway.commands.decisions import POSITION
from antiphon.services.gateway.context import Gateway
from antiphon.services.gateway.http.errors import JsonResponse
from antiphon.services.gateway.http.problems import not_found
from antiphon.services.gateway.routes.antiphon.selection import position_of

_NAMES: Final = {"flow_run": "Flow run", "task_run": "Task run"}

From = Annotated[str | None, Query(alias="from")]
Limit = Annotated[int, Query(ge=1, le=10_000)]


def routes(gateway: Gateway) -> APIRouter:
    """Histories of flow runs and task runs, and the runs as they were at any moment."""
    router = APIRouter()
    for kind in _NAMES:
        _add_history(router, gateway, kind)
        _add_moment(router, gateway, kind)
    return router


def _add_history(router: APIRouter, gateway: Gateway, kind: str) -> None:
    @router.get(f"/{kind}s/{{id}}/history", name=f"{kind}_history")
    async def history(id: UUID, start: From = None, to: str | None = None, limit: Limit = 1000) -> Response:
        client = gateway.commands
        events = await client.history(Aggregate(kind, str(id)))
        if not events:
            raise not_found(f"{_NAMES[kind]} {id} is not in the log.")
        first = await position_of(start or "1", "from", client.first_position)
        last = await _last(client, to, "to")
        wanted = [record(item) for item in events if first <= item.position <= last]
        return JsonResponse(b"[%b]" % b",".join(wanted[:limit]))


def _add_moment(router: APIRouter, gateway: Gateway, kind: str) -> None:
    @router.get(f"/{kind}s/{{id}}", name=kind)
    async def moment(id: UUID, as_of: Annotated[str | None, Query()] = None) -> Response:
        client = gateway.commands
        position = await _last(client, as_of, "as_of")
        found = await gateway.as_of.run(Aggregate(kind, str(id)), position)
        if found is None:
            raise not_found(f"{_NAMES[kind]} {id} was not there at position {position}.")
        body = encoded({"position": position, kind: found.run, "states": found.states})
        return JsonResponse(body, headers={POSITION: str(position)})


async def _last(client: Client, text: str | None, name: str) -> int:
    return await client.last_position() if text is None else await position_of(text, name, client.last_position)
