"""Routes about the server itself."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from antiphon.services.gateway.context import gateway_of, reading
from antiphon.services.gateway.http.body_parsing import CheckedRoute
from antiphon.services.gateway.http.errors import JsonResponse, unprocessable

#: The versions that clients check for compatibility.
API_VERSION: Final = "0.8.4"
PREFECT_VERSION: Final = "3.8.8"

router = APIRouter(route_class=CheckedRoute)


@router.get("/health")
async def health() -> bool:
    return True


@router.get("/ready")
async def ready(request: Request) -> Response:
    async with reading(request) as connection:
        await connection.execute("SELECT 1")
    is_ready = gateway_of(request).nats.is_connected
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


@router.delete("/automations/owned-by/{resource_id}", status_code=202)
async def delete_owned_by(resource_id: str) -> None:  # noqa: ARG001  it owns none
    # The SDK calls it whenever it applies a deployment; there are no automations yet.
    return None
