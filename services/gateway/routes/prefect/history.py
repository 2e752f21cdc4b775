"""Routes that aggregate runs: history in intervals, and average lateness."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from fastapi import APIRouter, Depends
from starlette.responses import Response

from antiphon.projections.sums.history import history
from antiphon.projections.sums.intervals import Intervals
from antiphon.projections.sums.windows import average_lateness
from antiphon.services.gateway.consistency.as_of_session import AsOf
from antiphon.services.gateway.context import Gateway
from antiphon.services.gateway.http.body_parsing import CheckedRoute
from antiphon.services.gateway.http.errors import JsonResponse, unprocessable
from antiphon.services.gateway.routes.prefect.bodies import Given, body, criteria_of, filters, required
from antiphon.services.gateway.schemas.moments import Moment

_WINDOW: Final = {
    "history_start": required(Moment),
    "history_end": required(Moment),
    "history_interval_seconds": required(float),
}
_SHORTEST: Final = timedelta(seconds=1)


def routes(gateway: Gateway) -> APIRouter:
    """History of flow runs and of task runs, lateness of flow runs."""
    router = APIRouter(route_class=CheckedRoute)
    objects = filters("flows", "flow_runs", "task_runs", "deployments")
    of_runs = filters("work_pools", "work_queues")
    _add_history(router, gateway, "flow_run", body(_WINDOW, objects, of_runs))
    _add_history(router, gateway, "task_run", body(_WINDOW, objects))
    read_lateness = body(objects, filters("work_pools", "work_pool_queues"))

    @router.post("/flow_runs/lateness")
    async def lateness(given: Given = Depends(read_lateness)) -> Response:  # noqa: B008
        criteria = criteria_of(given)
        async with gateway.reading() as connection:
            return JsonResponse(await average_lateness(connection, criteria))

    return router


def _add_history(router: APIRouter, gateway: Gateway, table: str, read_body: Any) -> None:
    @router.post(f"/{table}s/history", name=f"{table}_history")
    async def read(
        given: Given = Depends(read_body),  # noqa: B008  no annotation sees `read_body`
        as_of: AsOf = None,
    ) -> Response:
        intervals, criteria = _intervals(given), criteria_of(given)
        async with gateway.reading_as_of(as_of) as connection:
            return JsonResponse(await history(connection, table, criteria, intervals))


def _intervals(given: Given) -> Intervals:
    try:
        length = timedelta(seconds=given["history_interval_seconds"])
        if length >= _SHORTEST:
            return Intervals.between(given["history_start"], given["history_end"], length)
    except (OverflowError, ValueError) as error:
        raise unprocessable("The history's intervals are outside the years 1 to 9999.") from error
    raise unprocessable("History interval must not be less than 1 second.")
