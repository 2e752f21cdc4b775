"""Routes of variables."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Body, Request
from starlette.responses import Response

from events.document.commands import CreateVariable, DeleteVariable, UpdateVariable
from events.outcome import Status
from projections.filters.criteria import Criteria
from projections.filters.objects import VariableFilter
from projections.variable import queries
from projections.variable.queries import VARIABLES
from services.gateway.decisions import Decided, created_response, decide, new_id
from services.gateway.errors import JsonResponse, conflict, not_found
from services.gateway.gateway import Gateway
from services.gateway.requests import CheckedRoute
from services.gateway.routes.bodies import LIMIT, OFFSET, body, filters, order
from services.gateway.routes.reads import add_filter
from services.gateway.wire.variables import VariableCreate, VariableUpdate

_MISSING: Final = "Variable not found."


def routes(gateway: Gateway) -> APIRouter:
    """Create, read, change and delete variables, by their id or by their name."""
    router = APIRouter(prefix="/variables", route_class=CheckedRoute)
    _add_reads(router, gateway)
    _add_creation(router, gateway)
    _add_changes(router, gateway)
    return router


def _add_reads(router: APIRouter, gateway: Gateway) -> None:
    add_filter(router, gateway, VARIABLES, body(LIMIT, OFFSET, filters("variables"), order(VARIABLES.default_sort)))

    @router.post("/count")
    async def count(variables: Annotated[VariableFilter | None, Body(embed=True)] = None) -> int:
        async with gateway.reading() as connection:
            return await VARIABLES.count(connection, Criteria(variables=variables))

    @router.get("/{id:uuid}")
    async def read(id: UUID) -> Response:
        async with gateway.reading() as connection:
            found = await VARIABLES.get(connection, id)
        if found is None:
            raise not_found(_MISSING)
        return JsonResponse(found)

    @router.get("/name/{name}")
    async def read_by_name(name: str) -> Response:
        return await read(await _id_of(gateway, name))


async def _id_of(gateway: Gateway, name: str) -> UUID:
    async with gateway.reading() as connection:
        found = await queries.id_of(connection, name)
    if found is None:
        raise not_found(_MISSING)
    return found


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
        return _done(await decide(gateway, request, id, command))

    @router.patch("/name/{name}", status_code=204)
    async def update_by_name(request: Request, name: str, variable: VariableUpdate) -> Response:
        return await update(request, await _id_of(gateway, name), variable)

    @router.delete("/{id:uuid}", status_code=204)
    async def delete(request: Request, id: UUID) -> Response:
        return _done(await decide(gateway, request, id, DeleteVariable()))

    @router.delete("/name/{name}", status_code=204)
    async def delete_by_name(request: Request, name: str) -> Response:
        return await delete(request, await _id_of(gateway, name))


def _done(decided: Decided) -> Response:
    if decided.outcome.status is Status.NOT_FOUND:
        raise not_found(_MISSING)
    if decided.outcome.status is Status.CONFLICT:
        raise conflict(decided.outcome.reason or "")
    return Response(status_code=204, headers=decided.headers)
