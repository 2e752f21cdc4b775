"""Routes about the inside of a flow run: its graphs, and its log lines as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Final
from urllib.parse import quote
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request
from pydantic import AfterValidator
from starlette.responses import Response, StreamingResponse

from antiphon.projections.flow_run.graph import GraphTooLargeError, dependencies, graph
from antiphon.projections.flow_run.queries import FLOW_RUNS
from antiphon.projections.log.lines import lines_of
from antiphon.services.gateway.context import reading
from antiphon.services.gateway.http.body_parsing import CheckedRoute
from antiphon.services.gateway.http.errors import JsonResponse, bad_request, missing, missing_object
from antiphon.services.gateway.routes.prefect.reads import existing, queried

_EVER: Final = datetime.min.replace(tzinfo=UTC)
_COLUMNS: Final = ("timestamp", "level", "flow_run_id", "task_run_id", "message")

router = APIRouter(prefix="/flow_runs/{id:uuid}", route_class=CheckedRoute)


def _in_utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


@router.get("/graph")
async def read_dependencies(request: Request, id: UUID) -> Response:
    found = await queried(request, dependencies, id)
    return missing_object("Flow run", id) if found is None else JsonResponse(found)


@router.get("/graph-v2")
async def read_graph(
    request: Request, id: UUID, since: Annotated[datetime, AfterValidator(_in_utc), Query()] = _EVER
) -> Response:
    try:
        found = await queried(request, graph, id, since)
    except GraphTooLargeError as error:
        raise bad_request(str(error)) from error
    return missing(f"Flow run {id} not found") if found is None else JsonResponse(found)


@router.get("/logs/download")
async def download(request: Request, id: UUID) -> Response:
    run = await existing(request, "Flow run not found", FLOW_RUNS.get, id)
    name = quote(f"{orjson.loads(run)['name']}-logs.csv", safe="")
    disposition = f"attachment; filename=\"flow-run-logs.csv\"; filename*=UTF-8''{name}"
    return StreamingResponse(
        _as_csv(request, id), media_type="text/csv; charset=utf-8", headers={"Content-Disposition": disposition}
    )


async def _as_csv(request: Request, run_id: UUID) -> AsyncIterator[str]:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    async for lines in lines_of(partial(reading, request), run_id):
        writer.writerows([line[name] for name in _COLUMNS] for line in lines)
        yield text.getvalue()
        text.seek(0)
        text.truncate()
    yield text.getvalue()
