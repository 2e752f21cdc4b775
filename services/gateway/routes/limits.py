"""Slots of concurrency limits, as far as there are limits: none can be created yet, so that nothing is ever taken.

The SDK asks for slots of every tag of a task. Names without a limit are ignored by Prefect, and a lease on none of
them is granted; that is the whole truth here as long as limits cannot be created (their routes answer 501).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Body
from starlette.responses import Response

from services.gateway.errors import JsonResponse
from services.gateway.gateway import Gateway
from services.gateway.requests import CheckedRoute
from services.runtime.ids import uuid4

Names = Annotated[list[str], Body()]
Slots = Annotated[int, Body(gt=0)]
Mode = Annotated[Literal["concurrency", "rate_limit"], Body()]
LeaseSeconds = Annotated[float, Body(ge=60, le=86_400)]


def routes(gateway: Gateway) -> APIRouter:  # noqa: ARG001  like all its siblings
    """Take slots of nothing, keep them, and give them back."""
    router = APIRouter(prefix="/v2/concurrency_limits", route_class=CheckedRoute)

    @router.post("/increment-with-lease")
    async def increment_with_lease(
        slots: Slots,  # noqa: ARG001  checked, as by Prefect
        names: Names,  # noqa: ARG001
        mode: Mode = "concurrency",  # noqa: ARG001
        lease_duration: LeaseSeconds = 300,  # noqa: ARG001
        holder: Annotated[dict[str, Any] | None, Body()] = None,  # noqa: ARG001
    ) -> Response:
        return JsonResponse({"lease_id": str(uuid4()), "limits": []})

    @router.post("/leases/{lease_id}/renew", status_code=204)
    async def renew(lease_id: UUID, lease_duration: Annotated[float, Body(ge=60, le=86_400, embed=True)] = 300) -> None:  # noqa: ARG001
        return None

    @router.post("/decrement-with-lease", status_code=204)
    async def decrement_with_lease(lease_id: Annotated[UUID, Body(embed=True)]) -> None:  # noqa: ARG001
        return None

    return router
