"""Routes of deployments."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Body, Request
from starlette.responses import Response

from events import ids
from events.document.commands import CreateDeployment, DeleteDeployment, UpdateDeployment
from events.flow_run.commands import DeleteFlowRun
from events.outcome import Status
from events.state import StateType
from projections.deployment import queries
from projections.deployment.queries import DEPLOYMENTS
from projections.filters.conditions import Between, NullableId
from projections.filters.criteria import Criteria
from projections.filters.objects import FlowRunFilter
from projections.filters.special import AnyOrNotAnyStateType, FlowRunState
from projections.flow_run.queries import FLOW_RUNS, FlowRunSort
from services.gateway.decisions import created_response, decide, new_id
from services.gateway.errors import JsonResponse, conflict, not_found, unprocessable
from services.gateway.gateway import Gateway
from services.gateway.requests import CheckedRoute
from services.gateway.routes.bodies import Limit
from services.gateway.routes.reads import add_reads
from services.gateway.wire.deployments import DeploymentCreate, DeploymentFlowRunCreate, DeploymentUpdate
from services.gateway.wire.moments import Moment
from services.json_schema import BAD_SCHEMA
from services.runtime import clock

_MISSING: Final = "Deployment not found"
#: Twice as often as Prefect looks whether a deployment is still polled.
_POLL_NOTED: Final = timedelta(seconds=30)

_FILTERS: Final = ("flows", "flow_runs", "task_runs", "deployments", "work_pools", "work_pool_queues")


def routes(gateway: Gateway) -> APIRouter:
    """Create, read, change and delete deployments, and create runs of them."""
    router = APIRouter(prefix="/deployments", route_class=CheckedRoute)
    add_reads(router, gateway, DEPLOYMENTS, _FILTERS, missing=_MISSING)
    _add_by_name(router, gateway)
    _add_writes(router, gateway)
    _add_pauses(router, gateway)
    _add_runs(router, gateway)
    return router


def _add_writes(router: APIRouter, gateway: Gateway) -> None:
    @router.post("/")
    async def create(request: Request, deployment: DeploymentCreate) -> Response:
        _check_related(deployment, "creating")
        data = deployment.given() | {"flow_id": str(deployment.flow_id), "name": deployment.name}
        decided = await decide(gateway, request, new_id(request), CreateDeployment(data=data))
        _raise_for(decided.outcome.status, decided.outcome.reason)
        async with gateway.reading(decided.position) as connection:
            found = await DEPLOYMENTS.get(connection, UUID(decided.outcome.aggregate_id))
        return created_response(found, 201 if decided.outcome.status is Status.CREATED else 200, decided)

    @router.patch("/{id:uuid}", status_code=204)
    async def update(request: Request, id: UUID, deployment: DeploymentUpdate) -> Response:
        _check_related(deployment, "updating")
        decided = await decide(gateway, request, id, UpdateDeployment(changes=deployment.given()))
        _raise_for(decided.outcome.status, decided.outcome.reason)
        return Response(status_code=204, headers=decided.headers)

    @router.delete("/{id:uuid}", status_code=204)
    async def delete(request: Request, id: UUID) -> Response:
        async with gateway.reading() as connection:
            runs = await queries.scheduled_runs(connection, id)
        # First the runs: if this is broken off, the deployment is still there to be deleted.
        for run_id in runs:
            await gateway.commands.decide(run_id, DeleteFlowRun())
        decided = await decide(gateway, request, id, DeleteDeployment())
        if decided.outcome.status is Status.NOT_FOUND:
            raise not_found(_MISSING)
        return Response(status_code=204, headers=decided.headers)


def _add_pauses(router: APIRouter, gateway: Gateway) -> None:
    @router.post("/{id:uuid}/pause_deployment")
    async def pause(request: Request, id: UUID) -> Response:
        return await _set_paused(request, id, paused=True)

    @router.post("/{id:uuid}/resume_deployment")
    async def resume(request: Request, id: UUID) -> Response:
        return await _set_paused(request, id, paused=False)

    async def _set_paused(request: Request, id: UUID, *, paused: bool) -> Response:
        decided = await decide(
            gateway, request, id, UpdateDeployment(changes={"paused": paused}, checks_parameters=False)
        )
        if decided.outcome.status is Status.NOT_FOUND:
            raise not_found(_MISSING)
        return JsonResponse(b"null", headers=decided.headers)


def _check_related(deployment: DeploymentCreate | DeploymentUpdate, doing: str) -> None:
    """Pools and blocks cannot be created yet: there are none."""
    if deployment.work_pool_name:
        raise not_found(f'Work pool "{deployment.work_pool_name}" not found.')
    for what, block_id in (
        ("infrastructure", deployment.infrastructure_document_id),
        ("storage", deployment.storage_document_id),
    ):
        if block_id is not None:
            raise conflict(
                f"Error {doing} deployment. Could not find {what} block with id: {block_id}. This usually occurs when"
                " applying a deployment specification that was built against a different Prefect database / workspace."
            )


def _raise_for(status: Status, reason: str | None) -> None:
    if status is Status.NOT_FOUND:
        raise not_found(reason or _MISSING)
    if status is Status.CONFLICT:
        if (reason or "").startswith(BAD_SCHEMA):
            raise unprocessable(reason or "")
        raise conflict(reason or "")


def _add_by_name(router: APIRouter, gateway: Gateway) -> None:
    @router.get("/name/{flow_name}/{deployment_name}")
    async def by_name(flow_name: str, deployment_name: str) -> Response:
        async with gateway.reading() as connection:
            found = await queries.by_name(connection, flow_name, deployment_name)
        if found is None:
            raise not_found(_MISSING)
        return JsonResponse(found)


def _add_runs(router: APIRouter, gateway: Gateway) -> None:
    @router.post("/{id:uuid}/create_flow_run")
    async def create_flow_run(request: Request, id: UUID, run: DeploymentFlowRunCreate) -> Response:
        async with gateway.reading() as connection:
            flow_id = await queries.flow_of(connection, id)
        if flow_id is None:
            raise not_found(_MISSING)
        key = run.idempotency_key
        run_id = ids.flow_run_id(flow_id, key) if key else new_id(request)
        decided = await decide(gateway, request, run_id, run.command(id, flow_id))
        _raise_for(decided.outcome.status, decided.outcome.reason)
        async with gateway.reading(decided.position) as connection:
            found = await FLOW_RUNS.get(connection, run_id)
        return created_response(found, 200 if decided.outcome.status is Status.EXISTS else 201, decided)

    @router.post("/get_scheduled_flow_runs")
    async def get_scheduled_flow_runs(
        limit: Limit,
        deployment_ids: Annotated[list[UUID], Body()],
        scheduled_before: Annotated[Moment | None, Body()] = None,
    ) -> Response:
        due = FlowRunFilter(
            deployment_id=NullableId(any_=deployment_ids),
            state=FlowRunState(type=AnyOrNotAnyStateType(any_=[StateType.SCHEDULED])),
            next_scheduled_start_time=Between(before_=scheduled_before),
        )
        sort = FlowRunSort.NEXT_SCHEDULED_START_TIME_ASC
        async with gateway.reading() as connection:
            found = await FLOW_RUNS.find(connection, Criteria(flow_runs=due), sort, limit, 0)
            polls = await queries.polled(connection, deployment_ids)
        await _note(gateway, polls)
        return JsonResponse(found)


async def _note(gateway: Gateway, polls: list[queries.Poll]) -> None:
    """Somebody asked for the runs of deployments: they are ready. Noted now and then, not each time."""
    now = clock.now()
    for poll in polls:
        if poll.status != "READY" or poll.last_polled is None or now - poll.last_polled > _POLL_NOTED:
            changes = {"status": "READY", "last_polled": now.isoformat()}
            await gateway.commands.publish(poll.id, UpdateDeployment(changes=changes, checks_parameters=False))
