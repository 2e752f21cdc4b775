"""Routes of flows."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from antiphon.events.document.commands import CreateFlow, DeleteFlow, UpdateFlow
from antiphon.projections.flow import queries
from antiphon.projections.flow.queries import FLOWS
from antiphon.services.gateway.commands.decisions import created, decide, new_id, no_content
from antiphon.services.gateway.http.body_parsing import CheckedRoute
from antiphon.services.gateway.http.errors import JsonResponse
from antiphon.services.gateway.routes.prefect.reads import add_delete, add_reads, existing
from antiphon.services.gateway.schemas.flows import FlowCreate, FlowUpdate

_MISSING = "Flow not found"
_FILTERS = ("flows", "flow_runs", "task_runs", "deployments", "work_pools")

router = APIRouter(prefix="/flows", route_class=CheckedRoute)


@router.post("/")
async def create(request: Request, flow: FlowCreate) -> Response:
    command = CreateFlow(data=flow.model_dump(mode="json"))
    return await created(request, await decide(request, new_id(request), command), FLOWS.get)


@router.patch("/{id:uuid}", status_code=204)
async def update(request: Request, id: UUID, flow: FlowUpdate) -> Response:
    return no_content(await decide(request, id, UpdateFlow(changes=flow.changes())), _MISSING)


@router.get("/name/{name}")
async def by_name(request: Request, name: str) -> Response:
    return JsonResponse(await existing(request, _MISSING, queries.by_name, name))


add_reads(router, FLOWS, _FILTERS, missing=_MISSING, sort_first=False)
add_delete(router, DeleteFlow, _MISSING)
