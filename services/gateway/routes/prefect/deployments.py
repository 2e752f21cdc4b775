"""Routes of deployments."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Body, Request
from starlette.responses import Response

from antiphon.events import ids
from antiphon.events.document.commands import CreateDeployment, DeleteDeployment, UpdateDeployment
from antiphon.events.flow_run.commands import CreateFlowRun, DeleteFlowRun
from antiphon.events.outcome import Outcome, Status
from antiphon.events.state import StateType
from antiphon.projections.deployment import queries
from antiphon.projections.deployment.queries import DEPLOYMENTS
from antiphon.projections.filters.conditions import Between, NullableId
from antiphon.projections.filters.criteria import Criteria
from antiphon.projections.filters.objects import FlowRunFilter
from antiphon.projections.filters.special import AnyOrNotAnyStateType, FlowRunState
from antiphon.projections.flow_run.created_run_view import CREATED_FLOW_RUN
from antiphon.projections.flow_run.queries import FLOW_RUNS, FlowRunSort
from antiphon.projections.work_pool.queries import agents_queue
from antiphon.services.gateway.commands.decisions import (
    DecidedCommand,
    created,
    created_run,
    decide,
    new_id,
    no_content,
    null,
)
from antiphon.services.gateway.commands.hydration import hydrated_object
from antiphon.services.gateway.context import gateway_of, reading
from antiphon.services.gateway.http.body_parsing import CheckedRoute
from antiphon.services.gateway.http.errors import JsonResponse, bad_request, conflict, unprocessable
from antiphon.services.gateway.observations import polls_to_record, publish_polls
from antiphon.services.gateway.routes.prefect.bodies import Limit
from antiphon.services.gateway.routes.prefect.reads import add_reads, existing, queried
from antiphon.services.gateway.schemas.deployments import DeploymentCreate, DeploymentFlowRunCreate, DeploymentUpdate
from antiphon.services.gateway.schemas.fields import Moment
from antiphon.services.prefect.json_schema import BAD_SCHEMA
from antiphon.services.prefect.placeholders import HydrationError
from antiphon.services.prefect.prefect_kind import HYDRATION, is_dehydrated

#: How often a run is tried while the deployment's parameters change.
_TRIES: Final = 3
_MISSING: Final = "Deployment not found"
#: The number of runs that are deleted at once, so that the policy decides them in one batch.
_AT_ONCE: Final = 100
_FILTERS: Final = ("flows", "flow_runs", "task_runs", "deployments", "work_pools", "work_pool_queues")

router = APIRouter(prefix="/deployments", route_class=CheckedRoute)
add_reads(router, DEPLOYMENTS, _FILTERS, missing=_MISSING)


@router.get("/name/{flow_name}/{deployment_name}")
async def by_name(request: Request, flow_name: str, deployment_name: str) -> Response:
    return JsonResponse(await existing(request, _MISSING, queries.by_name, flow_name, deployment_name))


@router.post("/")
async def create(request: Request, deployment: DeploymentCreate) -> Response:
    _check_related(deployment, "creating")
    data = await _with_pool(request, deployment.fields())
    decided = await decide(request, new_id(request), CreateDeployment(data=data))
    _raise_for(decided.outcome)
    return await created(request, decided, DEPLOYMENTS.get)


@router.patch("/{id:uuid}", status_code=204)
async def update(request: Request, id: UUID, deployment: DeploymentUpdate) -> Response:
    _check_related(deployment, "updating")
    changes = await _with_parameters(request, id, await _with_pool(request, deployment.fields()))
    decided = await decide(request, id, UpdateDeployment(changes=changes))
    _raise_for(decided.outcome)
    return no_content(decided)


@router.delete("/{id:uuid}", status_code=204)
async def delete(request: Request, id: UUID) -> Response:
    # The runs first, even if the deployment is gone: repeating the request completes an interrupted deletion.
    await _delete_waiting(request, id)
    answer = no_content(decided := await decide(request, id, DeleteDeployment()), _MISSING)
    # The runs that were created meanwhile; after the deletion none can be created.
    await _delete_waiting(request, id, decided.outcome.position)
    return answer


async def _delete_waiting(request: Request, deployment_id: UUID, after: int | None = None) -> None:
    async with reading(request, after) as connection:
        runs = await queries.scheduled_runs(connection, deployment_id)
    send = gateway_of(request).commands.decide
    for first in range(0, len(runs), _AT_ONCE):
        await asyncio.gather(*(send(run_id, DeleteFlowRun()) for run_id in runs[first : first + _AT_ONCE]))


@router.post("/{id:uuid}/pause_deployment")
async def pause(request: Request, id: UUID) -> Response:
    return await _set_paused(request, id, paused=True)


@router.post("/{id:uuid}/resume_deployment")
async def resume(request: Request, id: UUID) -> Response:
    return await _set_paused(request, id, paused=False)


async def _set_paused(request: Request, id: UUID, *, paused: bool) -> Response:
    command = UpdateDeployment(changes={"paused": paused}, checks_parameters=False)
    return null(await decide(request, id, command), _MISSING)


def _check_related(deployment: DeploymentCreate | DeploymentUpdate, doing: str) -> None:
    """Blocks do not exist yet."""
    for what, block_id in (
        ("infrastructure", deployment.infrastructure_document_id),
        ("storage", deployment.storage_document_id),
    ):
        if block_id is not None:
            raise conflict(
                f"Error {doing} deployment. Could not find {what} block with id: {block_id}. This usually occurs when"
                " applying a deployment specification that was built against a different Prefect database / workspace."
            )


async def _with_pool(request: Request, given: dict[str, Any]) -> dict[str, Any]:
    """If only a queue is named, add the pool that has it; if none has it, the policy creates both."""
    if given.get("work_pool_name", "") != "" or not given.get("work_queue_name"):
        return given
    found = await queried(request, agents_queue, given["work_queue_name"])
    return given if found is None else given | {"work_pool_name": found["work_pool_name"]}


async def _with_parameters(request: Request, deployment_id: UUID, given: dict[str, Any]) -> dict[str, Any]:
    """Hydrate the given parameters; raises 400."""
    if "parameters" not in given:
        return given
    try:
        return given | {"parameters": await hydrated_object(request, given["parameters"])}
    except HydrationError as error:
        if await queried(request, queries.source_of_runs, deployment_id) is None:
            # The policy answers that it does not exist.
            return given
        raise bad_request(f"Error hydrating deployment parameters: {error}") from error


def _raise_for(outcome: Outcome) -> None:
    reason = outcome.reason or ""
    # An invalid schema and a misfit are 422; job variables, which have no rule, are 409.
    if outcome.status is Status.CONFLICT and (reason.startswith(BAD_SCHEMA) or outcome.rule not in (None, HYDRATION)):
        raise unprocessable(reason)


async def _decided_run(request: Request, deployment_id: UUID, run: DeploymentFlowRunCreate) -> DecidedCommand:
    """Have a run decided; again if the deployment's parameters changed while the run's were hydrated."""
    tries = 0
    while True:
        command = await _run_command(request, deployment_id, run)
        key = run.idempotency_key
        run_id = ids.flow_run_id(command.flow_id, key) if key else new_id(request)
        decided = await decide(request, run_id, command, with_events=True)
        tries += 1
        if decided.outcome.rule != HYDRATION or tries == _TRIES:
            return decided


async def _run_command(request: Request, deployment_id: UUID, run: DeploymentFlowRunCreate) -> CreateFlowRun:
    """The command that creates the run, with hydrated parameters; raises 404 and 400."""
    source = await existing(request, _MISSING, queries.source_of_runs, deployment_id)
    command = run.command(deployment_id, source.flow_id)
    merged = source.parameters | run.parameters
    if not is_dehydrated(merged):
        return command
    try:
        parameters = await hydrated_object(request, merged)
    except HydrationError as error:
        raise bad_request(f"Error hydrating flow run parameters: {error}") from error
    return command.changed(parameters=parameters, hydrated_from=source.parameters)


@router.post("/{id:uuid}/create_flow_run")
async def create_flow_run(request: Request, id: UUID, run: DeploymentFlowRunCreate) -> Response:
    decided = await _decided_run(request, id, run)
    _raise_for(decided.outcome)
    return await created_run(request, decided, CREATED_FLOW_RUN)


@router.post("/get_scheduled_flow_runs")
async def get_scheduled_flow_runs(
    request: Request,
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
    async with reading(request) as connection:
        found = await FLOW_RUNS.find(connection, Criteria(flow_runs=due), sort, limit, 0)
        polled = await polls_to_record(connection, deployment_ids)
    await publish_polls(gateway_of(request), polled)
    return JsonResponse(found)
