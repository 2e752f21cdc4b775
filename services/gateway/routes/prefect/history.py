"""Routes about the past of runs: their states, their number in intervals, and their average lateness."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from antiphon.projections.flow_run.queries import STATES as FLOW_RUN_STATES
from antiphon.projections.resource import StateHistory
from antiphon.projections.sums.history import history
from antiphon.projections.sums.intervals import Intervals
from antiphon.projections.sums.windows import average_lateness
from antiphon.projections.task_run.queries import STATES as TASK_RUN_STATES
from antiphon.services.gateway.consistency.as_of_session import AsOf
from antiphon.services.gateway.context import reading_as_of
from antiphon.services.gateway.http.body_parsing import CheckedRoute
from antiphon.services.gateway.http.errors import JsonResponse, unprocessable
from antiphon.services.gateway.routes.prefect.bodies import Given, body, criteria_of, filters, required
from antiphon.services.gateway.routes.prefect.reads import existing, queried
from antiphon.services.gateway.schemas.fields import Moment

_WINDOW: Final = {
    "history_start": required(Moment),
    "history_end": required(Moment),
    "history_interval_seconds": required(float),
}
_SHORTEST: Final = timedelta(seconds=1)
_OBJECTS: Final = filters("flows", "flow_runs", "task_runs", "deployments")

router = APIRouter(route_class=CheckedRoute)


def _add_states(kind: str, states: StateHistory) -> None:
    @router.get(f"/{kind}_states/{{id:uuid}}", name=f"{kind}_state")
    async def read(request: Request, id: UUID) -> Response:
        # Prefect gives the same message for task-run states.
        return JsonResponse(await existing(request, "Flow run state not found", states.get, id))

    @router.get(f"/{kind}_states/", name=f"{kind}_states")
    async def read_all(request: Request, run_id: UUID = Query(alias=f"{kind}_id")) -> Response:  # noqa: B008  no annotation sees `kind`
        return JsonResponse(await queried(request, states.of_run, run_id))


_add_states("flow_run", FLOW_RUN_STATES)
_add_states("task_run", TASK_RUN_STATES)


def _add_history(table: str, read_body: Any) -> None:
    @router.post(f"/{table}s/history", name=f"{table}_history")
    async def read(
        request: Request,
        given: Given = Depends(read_body),  # noqa: B008  no annotation sees `read_body`
        as_of: AsOf = None,
    ) -> Response:
        intervals, criteria = _intervals(given), criteria_of(given)
        async with reading_as_of(request, as_of) as connection:
            return JsonResponse(await history(connection, table, criteria, intervals))


_add_history("flow_run", body(_WINDOW, _OBJECTS, filters("work_pools", "work_queues")))
_add_history("task_run", body(_WINDOW, _OBJECTS))


@router.post("/flow_runs/lateness")
async def lateness(
    request: Request, given: Annotated[Given, Depends(body(_OBJECTS, filters("work_pools", "work_pool_queues")))]
) -> Response:
    return JsonResponse(await queried(request, average_lateness, criteria_of(given)))


def _intervals(given: Given) -> Intervals:
    try:
        length = timedelta(seconds=given["history_interval_seconds"])
        if length >= _SHORTEST:
            return Intervals.between(given["history_start"], given["history_end"], length)
    except (OverflowError, ValueError) as error:
        raise unprocessable("The history's intervals are outside the years 1 to 9999.") from error
    raise unprocessable("History interval must not be less than 1 second.")
