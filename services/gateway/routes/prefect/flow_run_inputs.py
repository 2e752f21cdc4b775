"""Routes of the inputs of flow runs."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Request
from starlette.responses import PlainTextResponse, Response

from antiphon.events import ids
from antiphon.events.document.commands import CreateFlowRunInput, DeleteFlowRunInput
from antiphon.projections.core.reading import LARGEST
from antiphon.projections.flow_run_input import queries
from antiphon.services.gateway.commands.decisions import decide, no_content
from antiphon.services.gateway.http.body_parsing import CheckedRoute
from antiphon.services.gateway.http.errors import JsonResponse
from antiphon.services.gateway.routes.prefect.bodies import defaults_to
from antiphon.services.gateway.routes.prefect.reads import existing, queried

_MISSING = "Flow run input not found"

router = APIRouter(prefix="/flow_runs/{id:uuid}/input", route_class=CheckedRoute)


@router.post("", status_code=201)
async def create(
    request: Request,
    id: UUID,
    key: Annotated[str, Body()],
    value: Annotated[bytes, Body()],
    sender: Annotated[str | None, Body()] = None,
) -> Response:
    data = {"flow_run_id": str(id), "key": key, "value": value.decode(), "sender": sender}
    decided = await decide(request, ids.flow_run_input_id(id, key), CreateFlowRunInput(data=data))
    return JsonResponse(b"null", 201, headers=decided.accepted().headers)


@router.post("/filter")
async def find(
    request: Request,
    id: UUID,
    prefix: Annotated[str, Body()],
    limit: Annotated[int, Body(ge=0, le=LARGEST), defaults_to(1)] = 1,
    exclude_keys: Annotated[list[str] | None, Body()] = None,
) -> Response:
    return JsonResponse(await queried(request, queries.find, id, prefix, limit, exclude_keys or ()))


@router.get("/{key}")
async def read(request: Request, id: UUID, key: str) -> Response:
    return PlainTextResponse(await existing(request, _MISSING, queries.value, id, key))


@router.delete("/{key}", status_code=204)
async def delete(request: Request, id: UUID, key: str) -> Response:
    return no_content(await decide(request, ids.flow_run_input_id(id, key), DeleteFlowRunInput()), _MISSING)
