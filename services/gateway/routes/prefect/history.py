"""Routes that aggregate runs: history in intervals, and average lateness."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from antiphon.projections.sums.history import history
from antiphon.projections.sums.intervals import Intervals
from antiphon.projections.sums.windows import average_lateness
from antiphon.services.gateway.consistency.as_of_session import AsOf
from antiphon.services.gateway.context import reading_as_of
from antiphon.services.gateway.http.body_parsing import CheckedRoute
from antiphon.services.gateway.http.errors import JsonResponse, unprocessable
from antiphon.services.gateway.routes.prefect.bodies import Given, body, criteria_of, filters, required
from antiphon.services.gateway.routes.prefect.reads import queried
from antiphon.services.gateway.schemas.fields import Moment

_WINDOW: Final = {
    "history_start": required(Moment),
    "history_end": required(Moment),
    "history_interval_seconds": required(float),
}
_SHORTEST: Final = timedelta(seconds=1)
_OBJECTS: Final = filters("flows", "flow_runs", "task_runs", "deployments")

router = APIRouter(route_class=CheckedRoute)


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
