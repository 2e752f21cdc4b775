"""Health checks and metrics at the root, where orchestrators and Prometheus look; the same numbers as JSON."""

from __future__ import annotations

from http import HTTPStatus

import nats.errors
import psycopg
from fastapi import APIRouter, Request
from nats.js.errors import Error as JetStreamError
from prometheus_client import CONTENT_TYPE_LATEST
from psycopg_pool import PoolTimeout
from starlette.responses import Response

from antiphon.events import subjects
from antiphon.services.gateway.context import Gateway, gateway_of
from antiphon.services.gateway.http.errors import JsonResponse
from antiphon.services.runtime import clock
from antiphon.services.runtime.nats import missing

router = APIRouter()
#: The positions as JSON, under the prefix of Antiphon's own API.
status_router = APIRouter()


@router.get("/livez")
async def livez() -> Response:
    """Whether this process answers at all; an orchestrator restarts it if not."""
    return JsonResponse({"status": "ok"})


@router.get("/readyz")
async def readyz(request: Request) -> Response:
    """Whether it can answer requests; a load balancer sends none until then."""
    gateway = gateway_of(request)
    trouble = {"nats": await _nats_trouble(gateway), "postgres": await _postgres_trouble(gateway)}
    is_ready = not any(trouble.values())
    status = HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE
    checks = {name: why or "ok" for name, why in trouble.items()}
    return JsonResponse({"status": "ok" if is_ready else "not ready", "checks": checks}, status)


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    gateway = gateway_of(request)
    text = await gateway.metrics.text(gateway.nats, gateway.read_models.pool, gateway.probe_seconds)
    return Response(text, media_type=CONTENT_TYPE_LATEST)


@status_router.get("/status")
async def status(request: Request) -> Response:
    gateway = gateway_of(request)
    # An unknown number is null.
    numbers = await gateway.metrics.numbers(gateway.nats, gateway.read_models.pool, gateway.probe_seconds)
    return JsonResponse({"now": clock.now(), **numbers}, headers={"Cache-Control": "no-store"})


async def _nats_trouble(gateway: Gateway) -> str | None:
    projected = gateway.read_models.events.position
    try:
        info = await gateway.nats.jetstream(timeout=gateway.probe_seconds).stream_info(subjects.EVENTS)
    except (TimeoutError, nats.errors.Error, JetStreamError) as error:
        return f"the log does not answer: {error!r}"
    if info.state.last_seq < projected:
        return f"the log ends at position {info.state.last_seq}, and position {projected} was written once"
    return missing(info.state)


async def _postgres_trouble(gateway: Gateway) -> str | None:
    try:
        async with gateway.read_models.pool.connection(timeout=gateway.probe_seconds) as connection:
            await connection.execute("SELECT 1 FROM checkpoint LIMIT 1")
    except (psycopg.Error, PoolTimeout) as error:
        return f"the database does not answer: {str(error).strip()}"
    return None
