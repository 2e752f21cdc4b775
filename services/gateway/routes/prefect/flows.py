"""Routes of flows."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from antiphon.events.document.commands import CreateFlow, DeleteFlow, UpdateFlow
from antiphon.events.outcome import Status
from antiphon.projections.flow import queries
from antiphon.projections.flow.queries import FLOWS
from antiphon.services.gateway.commands.decisions import created_response, decide, new_id, no_content
from antiphon.services.gateway.context import Gateway
from antiphon.services.gateway.http.body_parsing import CheckedRoute
from antiphon.services.gateway.http.errors import JsonResponse
from antiphon.services.gateway.routes.prefect.reads import add_reads, existing
from antiphon.services.gateway.schemas.flows import FlowCreate, FlowUpdate

_MISSING = "Flow not found"
_FILTERS = ("flows", "flow_runs", "task_runs", "deployments", "work_pools")


def routes(gateway: Gateway) -> APIRouter:
    """Create, read, change and delete flows."""
    router = APIRouter(prefix="/flows", route_class=CheckedRoute)
    _add_writes(router, gateway)
    _add_read_by_name(router, gateway)
    add_reads(router, gateway, FLOWS, _FILTERS, missing=_MISSING, sort_first=False)
    return router


def _add_writes(router: APIRouter, gateway: Gateway) -> None:
    @router.post("/")
    async def create(request: Request, flow: FlowCreate) -> Response:
        decided = await decide(gateway, request, new_id(request), CreateFlow(data=flow.model_dump(mode="json")))
        async with gateway.reading(decided.position) as connection:
            found = await FLOWS.get(connection, UUID(decided.outcome.aggregate_id))
        status = 200 if decided.outcome.status is Status.EXISTS else 201
        return created_response(found, status, decided)

    @router.patch("/{id:uuid}", status_code=204)
    async def update(request: Request, id: UUID, flow: FlowUpdate) -> Response:
        changes = flow.model_dump(mode="json", exclude_unset=True)
        return no_content(await decide(gateway, request, id, UpdateFlow(changes=changes)), _MISSING)

    @router.delete("/{id:uuid}", status_code=204)
    async def delete(request: Request, id: UUID) -> Response:
        return no_content(await decide(gateway, request, id, DeleteFlow()), _MISSING)


def _add_read_by_name(router: APIRouter, gateway: Gateway) -> None:
    @router.get("/name/{name}")
    async def by_name(name: str) -> Response:
        return JsonResponse(await existing(gateway, lambda connection: queries.by_name(connection, name), _MISSING))
