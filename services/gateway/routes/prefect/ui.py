"""Routes of the web UI: diagrams and counts of runs, and the validation of a form while the user fills it in."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Request
from starlette.responses import Response

from antiphon.events.state import StateType
from antiphon.projections import dashboard
from antiphon.projections.filters.objects import TaskRunFilter
from antiphon.projections.filters.special import AnyStateType, TaskState
from antiphon.projections.flow_run.queries import FlowRunSort
from antiphon.services.gateway.commands.hydration import previewed
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
from antiphon.services.gateway.routes.prefect.reads import existing, queried
from antiphon.services.prefect.json_schema import BadSchemaError, Misfit, misfits
from antiphon.services.runtime import clock

Ids = Annotated[list[UUID], Body(embed=True)]

_MOST_DOTS: Final = 1000
_TERMINAL: Final = TaskState(
    type=AnyStateType(any_=[StateType.COMPLETED, StateType.CANCELLED, StateType.FAILED, StateType.CRASHED])
)
_OBJECTS: Final = filters("flows", "flow_runs", "task_runs", "deployments")
_HISTORY: Final = body(
    order(FlowRunSort.EXPECTED_START_TIME_DESC),
    {"limit": key(int, _MOST_DOTS, ge=0, le=_MOST_DOTS)},
    OFFSET,
    _OBJECTS,
    filters("work_pools"),
)
_DASHBOARD: Final = body(
    {"task_runs": required(TaskRunFilter)}, filters("flows", "flow_runs", "deployments", "work_pools", "work_queues")
)

router = APIRouter(prefix="/ui", route_class=CheckedRoute)


@router.post("/flow_runs/history")
async def history(request: Request, given: Annotated[Given, Depends(_HISTORY)]) -> Response:
    page = (given["sort"], given["limit"], given["offset"])
    return JsonResponse(await queried(request, dashboard.short_runs, criteria_of(given), *page))


@router.post("/flow_runs/count-task-runs")
async def count_task_runs(request: Request, flow_run_ids: Ids) -> Response:
    return JsonResponse(await queried(request, dashboard.task_run_counts, flow_run_ids))


@router.post("/flows/next-runs")
async def next_runs(request: Request, flow_ids: Ids) -> Response:
    return JsonResponse(await queried(request, dashboard.next_runs, flow_ids))


@router.post("/flows/count-deployments")
async def count_deployments(request: Request, flow_ids: Ids) -> Response:
    return JsonResponse(await queried(request, dashboard.deployment_counts, flow_ids))


@router.post("/task_runs/count")
async def count(request: Request, given: Annotated[Given, Depends(body(_OBJECTS))]) -> Response:
    return JsonResponse(await queried(request, dashboard.counts_by_state, criteria_of(given)))


@router.get("/task_runs/{id:uuid}")
async def read(request: Request, id: UUID) -> Response:
    return JsonResponse(await existing(request, "Task not found", dashboard.task_run_with_flow_run_name, id))


@router.post("/task_runs/dashboard/counts")
async def counts(request: Request, given: Annotated[Given, Depends(_DASHBOARD)]) -> Response:
    wanted: TaskRunFilter = given["task_runs"]
    began = wanted.start_time
    if began is None or began.after_ is None:
        raise unprocessable("task_runs.start_time.after_ is required")
    criteria = criteria_of(given | {"task_runs": wanted.model_copy(update={"state": _TERMINAL})})
    start = _minute(began.after_)
    end = _minute(began.before_ or clock.now()) + timedelta(minutes=1, microseconds=-1)
    return JsonResponse(await queried(request, dashboard.ended_by_time, criteria, start, end))


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


@router.post("/schemas/validate")
async def validate(
    request: Request,
    json_schema: Annotated[dict[str, Any], Body(alias="schema")],
    values: Annotated[dict[str, Any], Body()],
) -> Response:
    try:
        found = misfits(await previewed(request, values), json_schema)
    except BadSchemaError as error:
        raise unprocessable(str(error)) from error
    errors = as_tree(found)
    return JsonResponse({"errors": errors, "valid": not errors})


def as_tree(found: list[Misfit]) -> list[Any]:
    """The errors as Prefect's UI takes them: below the property or the index that they are about."""
    errors: list[Any] = []
    for misfit in found:
        level = errors
        for depth, part in enumerate(misfit.path, start=1):
            level = _below(level, part, is_last=depth == len(misfit.path))
        level.append(misfit.message)
    return errors


def _below(level: list[Any], part: str | int, *, is_last: bool) -> list[Any]:
    """The errors below a part of the values; the last part of a path always gets an entry of its own."""
    head = {"index" if isinstance(part, int) else "property": part}
    alike = (entry for entry in level if isinstance(entry, dict) and head.items() <= entry.items())
    entry = None if is_last else next(alike, None)
    if entry is None:
        entry = {**head, "errors": []}
        level.append(entry)
    errors: list[Any] = entry["errors"]
    return errors
