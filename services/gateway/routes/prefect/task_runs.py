"""Routes of task runs."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Request
from starlette.responses import Response

from antiphon.events.task_run.commands import DeleteTaskRun, RenameTaskRun, SetTaskRunState
from antiphon.projections.flow_run.created_run_view import CREATED_TASK_RUN
from antiphon.projections.task_run.queries import TASK_RUNS
from antiphon.services.gateway.commands.decisions import created_run, decide, new_id, no_content
from antiphon.services.gateway.http import client_headers
from antiphon.services.gateway.http.body_parsing import CheckedRoute
from antiphon.services.gateway.routes.prefect.bodies import NOT_NULL
from antiphon.services.gateway.routes.prefect.reads import add_delete, add_reads
from antiphon.services.gateway.routes.prefect.transitions import transition_response
from antiphon.services.gateway.schemas.states import StateCreate
from antiphon.services.gateway.schemas.task_runs import TaskRunCreate, TaskRunUpdate

_MISSING = "Task not found"
_FILTERS = ("flows", "flow_runs", "task_runs", "deployments")

router = APIRouter(prefix="/task_runs", route_class=CheckedRoute)
add_reads(router, TASK_RUNS, _FILTERS, missing=_MISSING)
add_delete(router, DeleteTaskRun, _MISSING)


@router.post("/")
async def create(request: Request, task_run: TaskRunCreate) -> Response:
    decided = await decide(request, task_run.id or new_id(request), task_run.command(), with_events=True)
    return await created_run(request, decided, CREATED_TASK_RUN)


@router.patch("/{id:uuid}", status_code=204)
async def update(request: Request, id: UUID, task_run: TaskRunUpdate) -> Response:
    return no_content(await decide(request, id, RenameTaskRun(name=task_run.name)))


@router.post("/{id:uuid}/set_state")
async def set_state(
    request: Request,
    id: UUID,
    state: Annotated[StateCreate, Body(), NOT_NULL],
    force: Annotated[bool, Body()] = False,  # noqa: FBT002  a field of the body
) -> Response:
    command = SetTaskRunState(
        state=state,
        force=force,
        api_version=client_headers.api_version(request),
        client_version=client_headers.client_version(request),
    )
    return transition_response(await decide(request, id, command), "Task run")
