"""The positions of the log and its readers as JSON, as `/metrics` gives them to Prometheus."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from antiphon.services.gateway.context import Gateway
from antiphon.services.gateway.http.errors import JsonResponse
from antiphon.services.runtime import clock


def routes(gateway: Gateway) -> APIRouter:
    """One route; an unknown number is null."""
    router = APIRouter()

    @router.get("/status")
    async def status() -> Response:
        numbers = await gateway.metrics.numbers(gateway.nats, gateway.read_models.pool, gateway.probe_seconds)
        return JsonResponse({"now": clock.now(), **numbers}, headers={"Cache-Control": "no-store"})

    return router
