"""Routes of task runs."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Request
from starlette.responses import Response

from events.outcome import Status
from events.task_run.commands import DeleteTaskRun, RenameTaskRun, SetTaskRunState
from projections.task_run import queries
from projections.task_run.queries import TaskRunSort
from services.gateway import callers
from services.gateway.decisions import created_response, decide, new_id
from services.gateway.errors import JsonResponse, conflict, missing_object, not_found
from services.gateway.gateway import Gateway
from services.gateway.requests import CheckedRoute, read_body
from services.gateway.routes.pages import FilterObjects, Limit, Offset, PageNumber, defaults_to, paginated
from services.gateway.routes.transitions import transition_response
from services.gateway.wire.states import SetStateBody
from services.gateway.wire.task_runs import TaskRunCreate, TaskRunUpdate

_MISSING = "Task not found"

_Sort = Annotated[TaskRunSort, Body(), defaults_to(TaskRunSort.ID_DESC)]


def routes(gateway: Gateway) -> APIRouter:
    """Everything that is asked about or of task runs."""
    router = APIRouter(prefix="/task_runs", route_class=CheckedRoute)
    _add_reads(router, gateway)
    _add_writes(router, gateway)
    return router


def _add_reads(router: APIRouter, gateway: Gateway) -> None:
    @router.post("/count")
    async def count(criteria: FilterObjects) -> int:
        async with gateway.reading() as connection:
            return await queries.count(connection, criteria)

    @router.post("/filter")
    async def find(
        limit: Limit,
        criteria: FilterObjects,
        offset: Offset = 0,
        sort: _Sort = TaskRunSort.ID_DESC,
    ) -> Response:
        async with gateway.reading() as connection:
            return JsonResponse(await queries.find(connection, criteria, sort, limit, offset))

    @router.post("/paginate")
    async def paginate(
        limit: Limit,
        criteria: FilterObjects,
        page: PageNumber = 1,
        sort: _Sort = TaskRunSort.ID_DESC,
    ) -> Response:
        async with gateway.reading() as connection:
            return JsonResponse(
                await paginated(
                    lambda size, offset: queries.find(connection, criteria, sort, size, offset, in_page=True),
                    queries.count(connection, criteria),
                    page,
                    limit,
                )
            )

    @router.get("/{id:uuid}")
    async def read(id: UUID) -> Response:
        async with gateway.reading() as connection:
            found = await queries.get(connection, id)
        if found is None:
            raise not_found(_MISSING)
        return JsonResponse(found)


def _add_writes(router: APIRouter, gateway: Gateway) -> None:
    @router.post("/")
    async def create(request: Request, task_run: TaskRunCreate) -> Response:
        decided = await decide(gateway, request, task_run.id or new_id(request), task_run.command())
        outcome = decided.outcome
        if outcome.status is Status.CONFLICT:
            raise conflict(outcome.reason or "")
        async with gateway.reading() as connection:
            found = await queries.get(connection, UUID(outcome.aggregate_id))
        status = 200 if outcome.status is Status.EXISTS else 201
        return created_response(found, status, decided)

    @router.patch("/{id:uuid}", status_code=204)
    async def update(request: Request, id: UUID, task_run: TaskRunUpdate) -> Response:
        decided = await decide(gateway, request, id, RenameTaskRun(name=task_run.name))
        if decided.outcome.status is Status.NOT_FOUND:
            raise not_found("Task run not found")
        return Response(status_code=204, headers=decided.headers)

    @router.delete("/{id:uuid}", status_code=204)
    async def delete(request: Request, id: UUID) -> Response:
        decided = await decide(gateway, request, id, DeleteTaskRun())
        if decided.outcome.status is Status.NOT_FOUND:
            raise not_found(_MISSING)
        return Response(status_code=204, headers=decided.headers)

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
