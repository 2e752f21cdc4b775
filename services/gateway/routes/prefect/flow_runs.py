"""Routes of flow runs."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Request
from starlette.responses import Response

from antiphon.events import ids
from antiphon.events.flow_run.commands import CreateFlowRun, DeleteFlowRun, ResumeFlowRun, UpdateFlowRun
from antiphon.events.flow_run.events import FlowRunChanges
from antiphon.events.outcome import Outcome, Status
from antiphon.projections.filters.criteria import Criteria
from antiphon.projections.filters.objects import FlowRunFilter
from antiphon.projections.flow_run.created_run_view import CREATED_FLOW_RUN
from antiphon.projections.flow_run.queries import FLOW_RUNS
from antiphon.services.gateway.commands.decisions import created_run, decide, new_id, no_content
from antiphon.services.gateway.commands.hydration import hydrated_input
from antiphon.services.gateway.http import client_headers
from antiphon.services.gateway.http.body_parsing import CheckedRoute
from antiphon.services.gateway.http.errors import JsonResponse, missing_object
from antiphon.services.gateway.routes.prefect.bodies import NOT_NULL, defaults_to
from antiphon.services.gateway.routes.prefect.reads import add_delete, add_reads, queried
from antiphon.services.gateway.routes.prefect.transitions import flow_run_command, result_fields, transition_response
from antiphon.services.gateway.schemas.fields import Labels
from antiphon.services.gateway.schemas.flow_runs import FlowRunCreate, FlowRunUpdate
from antiphon.services.gateway.schemas.states import SetStateBody, StateCreate

_MISSING = "Flow run not found"
_FILTERS = ("flows", "flow_runs", "task_runs", "deployments", "work_pools", "work_pool_queues")
#: The largest number of runs that one request moves.
_MOST = 50

router = APIRouter(prefix="/flow_runs", route_class=CheckedRoute)
add_reads(router, FLOW_RUNS, _FILTERS, missing=_MISSING)
add_delete(router, DeleteFlowRun, _MISSING)


# services/gateway/fast_path.py calls the next two functions without FastAPI: they are the most frequent requests.


@router.post("/")
async def create(request: Request, flow_run: FlowRunCreate) -> Response:
    key = flow_run.idempotency_key
    run_id = ids.flow_run_id(flow_run.flow_id, key) if key else new_id(request)
    command = CreateFlowRun(**flow_run.given(), api_version=client_headers.api_version(request))
    decided = await decide(request, run_id, command, with_events=True)
    return await created_run(request, decided, CREATED_FLOW_RUN)


async def set_flow_run_state(request: Request, body: SetStateBody) -> Response:
    """Propose a state for the run in the path."""
    run_id: UUID = request.path_params["id"]
    decided = await decide(request, run_id, await flow_run_command(request, run_id, body))
    return transition_response(decided, "Flow run")


@router.post("/{id:uuid}/set_state")
async def set_state(
    request: Request,
    state: Annotated[StateCreate, Body(), NOT_NULL],
    force: Annotated[bool, Body()] = False,  # noqa: FBT002  a field of the body
) -> Response:
    return await set_flow_run_state(request, SetStateBody(state=state, force=force))


@router.patch("/{id:uuid}", status_code=204)
async def update(request: Request, id: UUID, flow_run: FlowRunUpdate) -> Response:
    return no_content(await decide(request, id, UpdateFlowRun(changes=FlowRunChanges(**flow_run.given()))))


@router.patch("/{id:uuid}/labels", status_code=204)
async def update_labels(request: Request, id: UUID, labels: Annotated[Labels, Body()]) -> Response:
    decided = await decide(request, id, UpdateFlowRun(changes=FlowRunChanges(labels=labels)))
    if decided.outcome.status is Status.NOT_FOUND:
        return missing_object("Flow run", id)
    return no_content(decided)


@router.post("/{id:uuid}/resume")
async def resume(
    request: Request, id: UUID, run_input: Annotated[dict[str, Any] | None, Body(embed=True)] = None
) -> Response:
    command = ResumeFlowRun(
        **await hydrated_input(request, run_input),
        api_version=client_headers.api_version(request),
        client_version=client_headers.client_version(request),
    )
    return transition_response((await decide(request, id, command)).accepted(), "Flow run")


@router.post("/bulk_set_state")
async def bulk_set_state(
    request: Request,
    state: Annotated[StateCreate, Body()],
    flow_runs: Annotated[FlowRunFilter | None, Body()] = None,
    force: Annotated[bool, Body(), defaults_to(default=False)] = False,  # noqa: FBT002  a field of the body
    limit: Annotated[int, Body(ge=1, le=_MOST), defaults_to(_MOST)] = _MOST,
) -> Response:
    # Each run is decided by itself, one after the other; a refusal does not stop the others.
    results: list[bytes] = []
    headers: dict[str, str] = {}
    for run_id in await queried(request, FLOW_RUNS.ids, Criteria(flow_runs=flow_runs), limit):
        command = await flow_run_command(request, run_id, SetStateBody(state=state, force=force))
        decided = await decide(request, run_id, command, part=str(run_id))
        results.append(_result(run_id, decided.outcome))
        headers = decided.headers
    return JsonResponse(b'{"results":[%b]}' % b",".join(results), headers=headers)


def _result(run_id: UUID, outcome: Outcome) -> bytes:
    if outcome.status is Status.NOT_FOUND:
        # It was deleted meanwhile.
        reason = f"Flow run with id {run_id} not found"
        outcome = outcome.model_copy(update={"status": Status.ABORT, "reason": reason})
    return b'{"flow_run_id":"%b",%b}' % (str(run_id).encode(), result_fields(outcome))
