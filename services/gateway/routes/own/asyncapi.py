"""The description of what is said on NATS, for programs and for people."""

from __future__ import annotations

from functools import cache

from fastapi import APIRouter
from faststream.specification.asyncapi.site import get_asyncapi_html
from starlette.responses import HTMLResponse, Response

from services.gateway.asyncapi import specification
from services.gateway.errors import JsonResponse
from services.gateway.gateway import Gateway


@cache
def _document() -> bytes:
    return specification().to_json().encode()


def routes(gateway: Gateway) -> APIRouter:  # noqa: ARG001  like all its siblings
    """One document in two forms."""
    router = APIRouter()

    @router.get("/asyncapi")
    async def asyncapi() -> Response:
        return JsonResponse(_document())

    @router.get("/asyncapi.html", include_in_schema=False)
    async def html() -> Response:
        # The page loads AsyncAPI's viewer from where FastStream has it.
        return HTMLResponse(get_asyncapi_html(specification(), try_it_out_path=None))

    return router
