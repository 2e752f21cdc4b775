"""Routes of the web UI about flows, flow runs and task runs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Body, Depends
from starlette.responses import Response

from antiphon.events.state import StateType
from antiphon.projections import dashboard
from antiphon.projections.filters.objects import TaskRunFilter
from antiphon.projections.filters.special import AnyStateType, TaskState
from antiphon.projections.flow_run.queries import FlowRunSort
from antiphon.services.gateway.context import Gateway
from antiphon.services.gateway.http.body_parsing import CheckedRoute
from antiphon.services.gateway.http.errors import JsonResponse, unprocessable
from antiphon.services.gateway.routes.prefect.bodies import (
    OFFSET,
    Given,
    body,
    criteria_of,
    filters,
    key,
    order,
    required,
)
from antiphon.services.gateway.routes.prefect.reads import existing
from antiphon.services.runtime import clock

Ids = Annotated[list[UUID], Body(embed=True)]

_MOST_DOTS: Final = 1000
_TERMINAL: Final = TaskState(
    type=AnyStateType(any_=[StateType.COMPLETED, StateType.CANCELLED, StateType.FAILED, StateType.CRASHED])
)
_OBJECTS: Final = filters("flows", "flow_runs", "task_runs", "deployments")


def routes(gateway: Gateway) -> APIRouter:
    """Diagrams and counts."""
    router = APIRouter(prefix="/ui", route_class=CheckedRoute)
    _add_flow_runs(router, gateway)
    _add_flows(router, gateway)
    _add_task_runs(router, gateway)
    _add_dashboard(router, gateway)
    return router


def _add_flow_runs(router: APIRouter, gateway: Gateway) -> None:
    sort = order(FlowRunSort.EXPECTED_START_TIME_DESC)
    limit = {"limit": key(int, _MOST_DOTS, ge=0, le=_MOST_DOTS)}
    read_history = body(sort, limit, OFFSET, _OBJECTS, filters("work_pools"))

    @router.post("/flow_runs/history")
    async def history(given: Given = Depends(read_history)) -> Response:  # noqa: B008
        async with gateway.reading() as connection:
            found = await dashboard.short_runs(
                connection, criteria_of(given), given["sort"], given["limit"], given["offset"]
            )
        return JsonResponse(found)

    @router.post("/flow_runs/count-task-runs")
    async def count_task_runs(flow_run_ids: Ids) -> Response:
        async with gateway.reading() as connection:
            return JsonResponse(await dashboard.task_run_counts(connection, flow_run_ids))


def _add_flows(router: APIRouter, gateway: Gateway) -> None:
    @router.post("/flows/next-runs")
    async def next_runs(flow_ids: Ids) -> Response:
        async with gateway.reading() as connection:
            return JsonResponse(await dashboard.next_runs(connection, flow_ids))

    @router.post("/flows/count-deployments")
    async def count_deployments(flow_ids: Ids) -> Response:
        async with gateway.reading() as connection:
            return JsonResponse(await dashboard.deployment_counts(connection, flow_ids))


def _add_task_runs(router: APIRouter, gateway: Gateway) -> None:
    read_count = body(_OBJECTS)

    @router.post("/task_runs/count")
    async def count(given: Given = Depends(read_count)) -> Response:  # noqa: B008
        async with gateway.reading() as connection:
            return JsonResponse(await dashboard.counts_by_state(connection, criteria_of(given)))

    @router.get("/task_runs/{id:uuid}")
    async def read(id: UUID) -> Response:
        return JsonResponse(
            await existing(
                gateway, lambda connection: dashboard.task_run_with_flow_run_name(connection, id), "Task not found"
            )
        )


def _add_dashboard(router: APIRouter, gateway: Gateway) -> None:
    others = filters("flows", "flow_runs", "deployments", "work_pools", "work_queues")
    read_counts = body({"task_runs": required(TaskRunFilter)}, others)

    @router.post("/task_runs/dashboard/counts")
    async def counts(given: Given = Depends(read_counts)) -> Response:  # noqa: B008
        wanted: TaskRunFilter = given["task_runs"]
        began = wanted.start_time
        if began is None or began.after_ is None:
            raise unprocessable("task_runs.start_time.after_ is required")
        criteria = criteria_of(given | {"task_runs": wanted.model_copy(update={"state": _TERMINAL})})
        start, end = _minute(began.after_), _end_of_minute(began.before_ or clock.now())
        async with gateway.reading() as connection:
            return JsonResponse(await dashboard.ended_by_time(connection, criteria, start, end))


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def _end_of_minute(moment: datetime) -> datetime:
    return _minute(moment) + timedelta(minutes=1, microseconds=-1)
