"""Routes of states, of flow runs and of task runs."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response

from antiphon.projections.flow_run.queries import STATES as FLOW_RUN_STATES
from antiphon.projections.resource import StateHistory
from antiphon.projections.task_run.queries import STATES as TASK_RUN_STATES
from antiphon.services.gateway.context import Gateway
from antiphon.services.gateway.http.body_parsing import CheckedRoute
from antiphon.services.gateway.http.errors import JsonResponse
from antiphon.services.gateway.routes.prefect.reads import existing


def routes(gateway: Gateway) -> APIRouter:
    """Read one state, or all states of a run."""
    router = APIRouter(route_class=CheckedRoute)
    _add(router, gateway, "flow_run", FLOW_RUN_STATES)
    _add(router, gateway, "task_run", TASK_RUN_STATES)
    return router


def _add(router: APIRouter, gateway: Gateway, kind: str, history: StateHistory) -> None:
    @router.get(f"/{kind}_states/{{id:uuid}}", name=f"{kind}_state")
    async def read(id: UUID) -> Response:
        # Prefect gives the same message for task-run states.
        return JsonResponse(
            await existing(gateway, lambda connection: history.get(connection, id), "Flow run state not found")
        )

    @router.get(f"/{kind}_states/", name=f"{kind}_states")
    async def read_all(run_id: UUID = Query(alias=f"{kind}_id")) -> Response:  # noqa: B008  no annotation sees `kind`
        async with gateway.reading() as connection:
            return JsonResponse(await history.of_run(connection, run_id))
