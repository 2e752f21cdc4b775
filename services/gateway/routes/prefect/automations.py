"""The only route of automations that can be answered before automations exist: deleting those of a deployment."""

from __future__ import annotations

from fastapi import APIRouter

from antiphon.services.gateway.context import Gateway
from antiphon.services.gateway.http.body_parsing import CheckedRoute


def routes(gateway: Gateway) -> APIRouter:  # noqa: ARG001  like all its siblings
    """The SDK calls it whenever it applies a deployment."""
    router = APIRouter(prefix="/automations", route_class=CheckedRoute)

    @router.delete("/owned-by/{resource_id}", status_code=202)
    async def delete_owned_by(resource_id: str) -> None:  # noqa: ARG001  it owns none
        return None

    return router
