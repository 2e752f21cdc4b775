"""Routes of flow runs."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Request
from starlette.responses import Response

from antiphon.events import ids
from antiphon.events.flow_run.commands import DeleteFlowRun, ResumeFlowRun, UpdateFlowRun
from antiphon.events.flow_run.events import FlowRunChanges
from antiphon.events.outcome import Status
from antiphon.projections.flow_run.created_run_view import CREATED_FLOW_RUN
from antiphon.projections.flow_run.queries import FLOW_RUNS
from antiphon.services.gateway.commands.decisions import created_response, created_run, decide, new_id, no_content
from antiphon.services.gateway.commands.hydration import hydrated_input
from antiphon.services.gateway.context import Gateway
from antiphon.services.gateway.http import client_headers
from antiphon.services.gateway.http.body_parsing import CheckedRoute
from antiphon.services.gateway.http.errors import conflict, missing_object, not_found
from antiphon.services.gateway.routes.prefect.bodies import NOT_NULL
from antiphon.services.gateway.routes.prefect.reads import add_reads
from antiphon.services.gateway.routes.prefect.transitions import flow_run_command, transition_response
from antiphon.services.gateway.schemas.flow_runs import FlowRunCreate, FlowRunUpdate
from antiphon.services.gateway.schemas.flows import Labels
from antiphon.services.gateway.schemas.states import SetStateBody, StateCreate

_MISSING = "Flow run not found"
_FILTERS = ("flows", "flow_runs", "task_runs", "deployments", "work_pools", "work_pool_queues")


# services/gateway/fast_path.py calls the next two functions without FastAPI: they are the most frequent requests.


async def create_flow_run(gateway: Gateway, request: Request, flow_run: FlowRunCreate) -> Response:
    """Create a run, and answer with it."""
    key = flow_run.idempotency_key
    run_id = ids.flow_run_id(flow_run.flow_id, key) if key else new_id(request)
    command = flow_run.command(created_by=None, api_version=client_headers.api_version(request))
    decided = await decide(gateway, request, run_id, command, with_events=True)
    outcome = decided.outcome
    if outcome.status is Status.NOT_FOUND:
        raise not_found(outcome.reason or _MISSING)
    if outcome.status is Status.CONFLICT:
        raise conflict(outcome.reason or "")
    status = 200 if outcome.status is Status.EXISTS else 201
    return created_response(await created_run(gateway, decided, CREATED_FLOW_RUN), status, decided)


async def set_flow_run_state(gateway: Gateway, request: Request, body: SetStateBody) -> Response:
    """Propose a state for the run in the path."""
    run_id: UUID = request.path_params["id"]
    decided = await decide(gateway, request, run_id, await flow_run_command(gateway, request, run_id, body))
    if decided.outcome.status is Status.NOT_FOUND:
        return missing_object("Flow run", run_id)
    return transition_response(decided)


def routes(gateway: Gateway) -> APIRouter:
    """Create, read, move, change and delete flow runs."""
    router = APIRouter(prefix="/flow_runs", route_class=CheckedRoute)
    add_reads(router, gateway, FLOW_RUNS, _FILTERS, missing=_MISSING)
    _add_writes(router, gateway)
    return router


def _add_writes(router: APIRouter, gateway: Gateway) -> None:
    @router.post("/")
    async def create(request: Request, flow_run: FlowRunCreate) -> Response:
        return await create_flow_run(gateway, request, flow_run)

    @router.post("/{id:uuid}/set_state")
    async def set_state(
        request: Request,
        state: Annotated[StateCreate, Body(), NOT_NULL],
        force: Annotated[bool, Body()] = False,  # noqa: FBT002  a field of the body
    ) -> Response:
        return await set_flow_run_state(gateway, request, SetStateBody(state=state, force=force))

    @router.patch("/{id:uuid}", status_code=204)
    async def update(request: Request, id: UUID, flow_run: FlowRunUpdate) -> Response:
        return no_content(await decide(gateway, request, id, UpdateFlowRun(changes=flow_run.changes())), _MISSING)

    @router.patch("/{id:uuid}/labels", status_code=204)
    async def update_labels(request: Request, id: UUID, labels: Annotated[Labels, Body()]) -> Response:
        decided = await decide(gateway, request, id, UpdateFlowRun(changes=FlowRunChanges(labels=labels)))
        if decided.outcome.status is Status.NOT_FOUND:
            return missing_object("Flow run", id)
        return Response(status_code=204, headers=decided.headers)

    @router.delete("/{id:uuid}", status_code=204)
    async def delete(request: Request, id: UUID) -> Response:
        return no_content(await decide(gateway, request, id, DeleteFlowRun()), _MISSING)

    @router.post("/{id:uuid}/resume")
    async def resume(
        request: Request,
        id: UUID,
        run_input: Annotated[dict[str, Any] | None, Body(embed=True)] = None,
    ) -> Response:
        command = ResumeFlowRun(
            **await hydrated_input(gateway, run_input),
            api_version=client_headers.api_version(request),
            client_version=client_headers.client_version(request),
        )
        decided = await decide(gateway, request, id, command)
        if decided.outcome.status is Status.NOT_FOUND:
            raise not_found(_MISSING)
        if decided.outcome.status is Status.CONFLICT:
            raise conflict(decided.outcome.reason or "")
        return transition_response(decided)
