"""Routes of states, of flow runs and of task runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Query
from psycopg import AsyncConnection
from starlette.responses import Response

from projections.flow_run import queries as flow_run
from projections.task_run import queries as task_run
from services.gateway.errors import JsonResponse, not_found
from services.gateway.gateway import Gateway
from services.gateway.requests import CheckedRoute

_Get = Callable[[AsyncConnection[Any], UUID], Awaitable[bytes | None]]
_List = Callable[[AsyncConnection[Any], UUID], Awaitable[bytes]]


def routes(gateway: Gateway) -> APIRouter:
    """Read one state, or all of a run."""
    router = APIRouter(route_class=CheckedRoute)
    _add(router, gateway, "flow_run", flow_run.state, flow_run.states)
    _add(router, gateway, "task_run", task_run.state, task_run.states)
    return router


def _add(router: APIRouter, gateway: Gateway, kind: str, get: _Get, all_of: _List) -> None:
    @router.get(f"/{kind}_states/{{id:uuid}}", name=f"{kind}_state")
    async def read(id: UUID) -> Response:
        async with gateway.reading() as connection:
            found = await get(connection, id)
        if found is None:
            # Prefect says the same of task-run states.
            raise not_found("Flow run state not found")
        return JsonResponse(found)

    @router.get(f"/{kind}_states/", name=f"{kind}_states")
    async def read_all(run_id: UUID = Query(alias=f"{kind}_id")) -> Response:  # noqa: B008  no annotation sees `kind`
        async with gateway.reading() as connection:
            return JsonResponse(await all_of(connection, run_id))
