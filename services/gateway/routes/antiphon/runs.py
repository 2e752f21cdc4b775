"""Runs in the log: all events of a run in order, and the run as it was at any moment."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from antiphon.events.client.client import Client
from antiphon.events.record import record
from antiphon.events.subjects import Aggregate
from antiphon.projections.core.reading import encoded
from antiphon.services.gateway.commands.decisions import POSITION
from antiphon.services.gateway.consistency.as_of_session import AsOf
from antiphon.services.gateway.context import gateway_of
from antiphon.services.gateway.http.errors import JsonResponse, not_found
from antiphon.services.gateway.routes.antiphon.selection import position_of

From = Annotated[str | None, Query(alias="from")]
Limit = Annotated[int, Query(ge=1, le=10_000)]

router = APIRouter()


def _add_run(kind: str, name: str) -> None:
    @router.get(f"/{kind}s/{{id}}/history", name=f"{kind}_history")
    async def history(
        request: Request, id: UUID, start: From = None, to: str | None = None, limit: Limit = 1000
    ) -> Response:
        client = gateway_of(request).commands
        events = await client.history(Aggregate(kind, str(id)))
        if not events:
            raise not_found(f"{name} {id} is not in the log.")
        first = await position_of(start or "1", "from", client.first_position)
        last = await _last(client, to, "to")
        wanted = [record(item) for item in events if first <= item.position <= last]
        return JsonResponse(b"[%b]" % b",".join(wanted[:limit]))

    @router.get(f"/{kind}s/{{id}}", name=kind)
    async def moment(request: Request, id: UUID, as_of: AsOf = None) -> Response:
        gateway = gateway_of(request)
        position = await _last(gateway.commands, as_of, "as_of")
        found = await gateway.as_of.run(Aggregate(kind, str(id)), position)
        if found is None:
            raise not_found(f"{name} {id} was not there at position {position}.")
        body = encoded({"position": position, kind: found.run, "states": found.states})
        return JsonResponse(body, headers={POSITION: str(position)})


_add_run("flow_run", "Flow run")
_add_run("task_run", "Task run")


async def _last(client: Client, text: str | None, name: str) -> int:
    return await client.last_position() if text is None else await position_of(text, name, client.last_position)
