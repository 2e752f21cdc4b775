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
from antiphon.services.gateway.commands.decisions import created, decide, new_id, no_content
from antiphon.services.gateway.http.body_parsing import CheckedRoute
from antiphon.services.gateway.http.errors import JsonResponse, conflict
from antiphon.services.gateway.routes.prefect.bodies import LIMIT, OFFSET, body, filters, order
from antiphon.services.gateway.routes.prefect.reads import add_count, add_delete, add_filter, add_get, existing
from antiphon.services.gateway.schemas.variables import VariableCreate, VariableUpdate

_MISSING: Final = "Variable not found."
_OBJECTS: Final = filters("variables")

router = APIRouter(prefix="/variables", route_class=CheckedRoute)
add_filter(router, VARIABLES, body(LIMIT, OFFSET, _OBJECTS, order(VARIABLES.default_sort)))
add_count(router, VARIABLES, body(_OBJECTS))
add_get(router, VARIABLES, _MISSING)
add_delete(router, DeleteVariable, _MISSING)


@router.get("/name/{name}")
async def read_by_name(request: Request, name: str) -> Response:
    return JsonResponse(await existing(request, _MISSING, queries.by_name, name))


@router.post("/")
async def create(request: Request, variable: VariableCreate) -> Response:
    decided = await decide(request, new_id(request), CreateVariable(data=variable.model_dump()))
    if decided.outcome.status is Status.CONFLICT:
        raise conflict(f"A variable with the name {variable.name!r} already exists.")
    return await created(request, decided, VARIABLES.get)


@router.patch("/{id:uuid}", status_code=204)
async def update(request: Request, id: UUID, variable: VariableUpdate) -> Response:
    command = UpdateVariable(changes=variable.model_dump(exclude_unset=True))
    return no_content(await decide(request, id, command), _MISSING)


@router.patch("/name/{name}", status_code=204)
async def update_by_name(request: Request, name: str, variable: VariableUpdate) -> Response:
    return await update(request, await existing(request, _MISSING, queries.id_of, name), variable)


@router.delete("/name/{name}", status_code=204)
async def delete_by_name(request: Request, name: str) -> Response:
    variable_id = await existing(request, _MISSING, queries.id_of, name)
    return no_content(await decide(request, variable_id, DeleteVariable()), _MISSING)
