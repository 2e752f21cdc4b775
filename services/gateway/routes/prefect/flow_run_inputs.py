"""Routes of the inputs of flow runs."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Request
from starlette.responses import PlainTextResponse, Response

from antiphon.events import ids
from antiphon.events.document.commands import CreateFlowRunInput, DeleteFlowRunInput
from antiphon.events.outcome import Status
from antiphon.projections.core.reading import LARGEST
from antiphon.projections.flow_run_input import queries
from antiphon.services.gateway.commands.decisions import decide, no_content
from antiphon.services.gateway.context import Gateway
from antiphon.services.gateway.http.body_parsing import CheckedRoute
from antiphon.services.gateway.http.errors import JsonResponse, conflict, not_found
from antiphon.services.gateway.routes.prefect.bodies import defaults_to
from antiphon.services.gateway.routes.prefect.reads import existing

_MISSING = "Flow run input not found"


def routes(gateway: Gateway) -> APIRouter:
    """Create, find, read and delete inputs."""
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
        decided = await decide(gateway, request, ids.flow_run_input_id(id, key), CreateFlowRunInput(data=data))
        outcome = decided.outcome
        if outcome.status is Status.NOT_FOUND:
            raise not_found(outcome.reason or "Flow run not found")
        if outcome.status is Status.CONFLICT:
            raise conflict(outcome.reason or "")
        return JsonResponse(b"null", 201, headers=decided.headers)

    @router.post("/filter")
    async def find(
        id: UUID,
        prefix: Annotated[str, Body()],
        limit: Annotated[int, Body(ge=0, le=LARGEST), defaults_to(1)] = 1,
        exclude_keys: Annotated[list[str] | None, Body()] = None,
    ) -> Response:
        async with gateway.reading() as connection:
            return JsonResponse(await queries.find(connection, id, prefix, limit, exclude_keys or ()))

    @router.get("/{key}")
    async def read(id: UUID, key: str) -> Response:
        return PlainTextResponse(
            await existing(gateway, lambda connection: queries.value(connection, id, key), _MISSING)
        )

    @router.delete("/{key}", status_code=204)
    async def delete(request: Request, id: UUID, key: str) -> Response:
        return no_content(
            await decide(gateway, request, ids.flow_run_input_id(id, key), DeleteFlowRunInput()), _MISSING
        )

    return router
