"""Routes of variables."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from antiphon.events.document.commands import CreateVariable, DeleteVariable, UpdateVariable
from antiphon.events.outcome import Status
from antiphon.projections.variable import queries
from antiphon.projections.variable.queries import VARIABLES
from antiphon.services.gateway.commands.decisions import created_response, decide, new_id, no_content
from antiphon.services.gateway.context import Gateway
from antiphon.services.gateway.http.body_parsing import CheckedRoute
from antiphon.services.gateway.http.errors import JsonResponse, conflict
from antiphon.services.gateway.routes.prefect.bodies import LIMIT, OFFSET, body, filters, order
from antiphon.services.gateway.routes.prefect.reads import add_count, add_filter, add_get, existing
from antiphon.services.gateway.schemas.variables import VariableCreate, VariableUpdate

_MISSING: Final = "Variable not found."


def routes(gateway: Gateway) -> APIRouter:
    """Create, read, change and delete variables, by id or by name."""
    router = APIRouter(prefix="/variables", route_class=CheckedRoute)
    _add_reads(router, gateway)
    _add_creation(router, gateway)
    _add_changes(router, gateway)
    return router


def _add_reads(router: APIRouter, gateway: Gateway) -> None:
    objects = filters("variables")
    add_filter(router, gateway, VARIABLES, body(LIMIT, OFFSET, objects, order(VARIABLES.default_sort)))
    add_count(router, gateway, VARIABLES, body(objects))
    add_get(router, gateway, VARIABLES, _MISSING)

    @router.get("/name/{name}")
    async def read_by_name(name: str) -> Response:
        return JsonResponse(await existing(gateway, lambda connection: queries.by_name(connection, name), _MISSING))


async def _id_of(gateway: Gateway, name: str) -> UUID:
    return await existing(gateway, lambda connection: queries.id_of(connection, name), _MISSING)


def _add_creation(router: APIRouter, gateway: Gateway) -> None:
    @router.post("/")
    async def create(request: Request, variable: VariableCreate) -> Response:
        command = CreateVariable(data=variable.model_dump())
        decided = await decide(gateway, request, new_id(request), command)
        if decided.outcome.status is Status.CONFLICT:
            raise conflict(f"A variable with the name {variable.name!r} already exists.")
        async with gateway.reading(decided.position) as connection:
            found = await VARIABLES.get(connection, UUID(decided.outcome.aggregate_id))
        return created_response(found, 201, decided)


def _add_changes(router: APIRouter, gateway: Gateway) -> None:
    @router.patch("/{id:uuid}", status_code=204)
    async def update(request: Request, id: UUID, variable: VariableUpdate) -> Response:
        command = UpdateVariable(changes=variable.model_dump(exclude_unset=True))
        return no_content(await decide(gateway, request, id, command), _MISSING)

    @router.patch("/name/{name}", status_code=204)
    async def update_by_name(request: Request, name: str, variable: VariableUpdate) -> Response:
        return await update(request, await _id_of(gateway, name), variable)

    @router.delete("/{id:uuid}", status_code=204)
    async def delete(request: Request, id: UUID) -> Response:
        return no_content(await decide(gateway, request, id, DeleteVariable()), _MISSING)

    @router.delete("/name/{name}", status_code=204)
    async def delete_by_name(request: Request, name: str) -> Response:
        return await delete(request, await _id_of(gateway, name))
