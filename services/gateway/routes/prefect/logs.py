"""Routes of log lines, which are observations: published unchanged, then projected."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from antiphon.events import subjects
from antiphon.projections.log.queries import LOGS
from antiphon.services.gateway.commands.decisions import POSITION
from antiphon.services.gateway.consistency.staleness import mark_stale
from antiphon.services.gateway.context import gateway_of
from antiphon.services.gateway.http.body_parsing import CheckedRoute
from antiphon.services.gateway.http.errors import JsonResponse
from antiphon.services.gateway.observations import observe
from antiphon.services.gateway.routes.prefect.bodies import LIMIT, OFFSET, body, filters, order
from antiphon.services.gateway.routes.prefect.reads import add_filter
from antiphon.services.gateway.schemas.logs import LogCreate
from antiphon.services.runtime import clock
from antiphon.services.runtime.ids import uuid7

#: The subject token of lines without a flow run.
_NO_RUN = "none"

router = APIRouter(prefix="/logs", route_class=CheckedRoute)


@router.post("/", status_code=201)
async def create(request: Request, logs: Sequence[LogCreate]) -> Response:
    gateway, now = gateway_of(request), clock.now()
    by_run: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in logs:
        record = {"id": uuid7(), "created": now, **line.model_dump()}
        by_run[str(line.flow_run_id or _NO_RUN)].append(record)
    position = 0
    for run, records in by_run.items():
        subject = subjects.observation("log", run)
        position = max(position, await observe(gateway.nats, subject, orjson.dumps(records)))
    if not await gateway.read_models.observed.wait_for(position, gateway.deadline_seconds):
        mark_stale()
    return JsonResponse(b"null", 201, headers={POSITION: str(position)})


add_filter(router, LOGS, body(LIMIT, OFFSET, filters("logs"), order(LOGS.default_sort)), has_past=False)
