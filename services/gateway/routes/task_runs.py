"""Routes of task runs."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from events.outcome import Status
from events.task_run.commands import DeleteTaskRun, RenameTaskRun, SetTaskRunState
from projections.fresh import FRESH_TASK_RUN
from projections.task_run.queries import TASK_RUNS
from services.gateway import callers
from services.gateway.decisions import created_response, created_run, decide, done, new_id
from services.gateway.errors import conflict, missing_object
from services.gateway.gateway import Gateway
from services.gateway.requests import CheckedRoute, read_body
from services.gateway.routes.reads import add_reads
from services.gateway.routes.transitions import transition_response
from services.gateway.wire.states import SetStateBody
from services.gateway.wire.task_runs import TaskRunCreate, TaskRunUpdate

_MISSING = "Task not found"
_FILTERS = ("flows", "flow_runs", "task_runs", "deployments")


def routes(gateway: Gateway) -> APIRouter:
    """Everything that is asked about or of task runs."""
    router = APIRouter(prefix="/task_runs", route_class=CheckedRoute)
    add_reads(router, gateway, TASK_RUNS, _FILTERS, missing=_MISSING)
    _add_writes(router, gateway)
    return router


def _add_writes(router: APIRouter, gateway: Gateway) -> None:
    @router.post("/")
    async def create(request: Request, task_run: TaskRunCreate) -> Response:
        decided = await decide(gateway, request, task_run.id or new_id(request), task_run.command(), with_events=True)
        outcome = decided.outcome
        if outcome.status is Status.CONFLICT:
            raise conflict(outcome.reason or "")
        status = 200 if outcome.status is Status.EXISTS else 201
        return created_response(await created_run(gateway, decided, FRESH_TASK_RUN), status, decided)

    @router.patch("/{id:uuid}", status_code=204)
    async def update(request: Request, id: UUID, task_run: TaskRunUpdate) -> Response:
        return done(await decide(gateway, request, id, RenameTaskRun(name=task_run.name)), "Task run not found")

    @router.delete("/{id:uuid}", status_code=204)
    async def delete(request: Request, id: UUID) -> Response:
        return done(await decide(gateway, request, id, DeleteTaskRun()), _MISSING)

    @router.post("/{id:uuid}/set_state")
    async def set_state(request: Request, id: UUID) -> Response:
        body = await read_body(request, SetStateBody, embedded="state")
        command = SetTaskRunState(
            state=body.state.proposed(),
            force=body.force,
            api_version=callers.api_version(request),
            client_version=callers.client_version(request),
        )
        decided = await decide(gateway, request, id, command)
        if decided.outcome.status is Status.NOT_FOUND:
            return missing_object("Task run", id)
        return transition_response(decided)
