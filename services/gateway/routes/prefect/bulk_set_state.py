"""The route that proposes one state for many flow runs."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Request
from starlette.responses import Response

from antiphon.events.outcome import Outcome, Status
from antiphon.projections.filters.criteria import Criteria
from antiphon.projections.filters.objects import FlowRunFilter
from antiphon.projections.flow_run.queries import FLOW_RUNS
from antiphon.services.gateway.commands.decisions import decide
from antiphon.services.gateway.context import Gateway
from antiphon.services.gateway.http.body_parsing import CheckedRoute
from antiphon.services.gateway.http.errors import JsonResponse
from antiphon.services.gateway.routes.prefect.bodies import defaults_to
from antiphon.services.gateway.routes.prefect.transitions import flow_run_command, result_fields
from antiphon.services.gateway.schemas.states import SetStateBody, StateCreate

_MOST = 50


def routes(gateway: Gateway) -> APIRouter:
    """Each run is decided by itself, one after the other; a refusal does not stop the others."""
    router = APIRouter(prefix="/flow_runs", route_class=CheckedRoute)

    @router.post("/bulk_set_state")
    async def bulk_set_state(
        request: Request,
        state: Annotated[StateCreate, Body()],
        flow_runs: Annotated[FlowRunFilter | None, Body()] = None,
        force: Annotated[bool, Body(), defaults_to(default=False)] = False,  # noqa: FBT002  a field of the body
        limit: Annotated[int, Body(ge=1, le=_MOST), defaults_to(_MOST)] = _MOST,
    ) -> Response:
        async with gateway.reading() as connection:
            run_ids = await FLOW_RUNS.ids(connection, Criteria(flow_runs=flow_runs), limit)
        results: list[bytes] = []
        headers: dict[str, str] = {}
        for run_id in run_ids:
            command = await flow_run_command(gateway, request, run_id, SetStateBody(state=state, force=force))
            decided = await decide(gateway, request, run_id, command, part=str(run_id))
            results.append(_result(run_id, decided.outcome))
            headers = decided.headers
        return JsonResponse(b'{"results":[%b]}' % b",".join(results), headers=headers)

    return router


def _result(run_id: UUID, outcome: Outcome) -> bytes:
    if outcome.status is Status.NOT_FOUND:
        # It was deleted meanwhile.
        reason = f"Flow run with id {run_id} not found"
        outcome = outcome.model_copy(update={"status": Status.ABORT, "reason": reason})
    return b'{"flow_run_id":"%b",%b}' % (str(run_id).encode(), result_fields(outcome))
