"""Routes of states, of flow runs and of task runs."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from antiphon.projections.flow_run.queries import STATES as FLOW_RUN_STATES
from antiphon.projections.resource import StateHistory
from antiphon.projections.task_run.queries import STATES as TASK_RUN_STATES
from antiphon.services.gateway.http.body_parsing import CheckedRoute
from antiphon.services.gateway.http.errors import JsonResponse
from antiphon.services.gateway.routes.prefect.reads import existing, queried

router = APIRouter(route_class=CheckedRoute)


def _add(kind: str, history: StateHistory) -> None:
    @router.get(f"/{kind}_states/{{id:uuid}}", name=f"{kind}_state")
    async def read(request: Request, id: UUID) -> Response:
        # Prefect gives the same message for task-run states.
        return JsonResponse(await existing(request, "Flow run state not found", history.get, id))

    @router.get(f"/{kind}_states/", name=f"{kind}_states")
    async def read_all(request: Request, run_id: UUID = Query(alias=f"{kind}_id")) -> Response:  # noqa: B008  no annotation sees `kind`
        return JsonResponse(await queried(request, history.of_run, run_id))


_add("flow_run", FLOW_RUN_STATES)
_add("task_run", TASK_RUN_STATES)
