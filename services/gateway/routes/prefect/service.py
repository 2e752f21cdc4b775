"""Routes about the server itself."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from antiphon.services.gateway.context import Gateway
from antiphon.services.gateway.http.body_parsing import CheckedRoute
from antiphon.services.gateway.http.errors import JsonResponse, unprocessable

#: The versions that clients check for compatibility.
API_VERSION: Final = "0.8.4"
PREFECT_VERSION: Final = "3.8.8"


def routes(gateway: Gateway) -> APIRouter:
    """Health, versions, and settings that the SDK asks for."""
    router = APIRouter(route_class=CheckedRoute)

    @router.get("/health")
    async def health() -> bool:
        return True

    @router.get("/ready")
    async def ready() -> Response:
        async with gateway.reading() as connection:
            await connection.execute("SELECT 1")
        is_ready = gateway.nats.is_connected
        return JsonResponse({"message": "OK" if is_ready else "NATS is away"}, 200 if is_ready else 503)

    @router.get("/hello")
    async def hello() -> str:
        return "👋"

    @router.get("/version")
    async def version() -> str:
        return API_VERSION

    @router.get("/admin/version")
    async def server_version() -> str:
        return PREFECT_VERSION

    @router.get("/admin/storage")
    async def storage() -> dict[str, None]:
        # A default result storage cannot be configured yet.
        return {"default_result_storage_block_id": None}

    @router.get("/csrf-token")
    async def csrf_token(client: str = Query()) -> None:  # noqa: ARG001  asked for, and checked, as Prefect does
        raise unprocessable("CSRF protection is disabled.")

    return router
