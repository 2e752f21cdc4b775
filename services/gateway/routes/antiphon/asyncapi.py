"""The description of what is said on NATS, for programs and for people."""

from __future__ import annotations

from functools import cache

import orjson
from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from antiphon.services.gateway.context import Gateway
from antiphon.services.gateway.docs_pages import asyncapi_page, page
from antiphon.services.gateway.docs_pages.asyncapi import specification
from antiphon.services.gateway.http.errors import JsonResponse


@cache
def _document() -> bytes:
    return specification().to_json().encode()


@cache
def _page() -> bytes:
    return asyncapi_page.render(orjson.loads(_document()))


def routes(gateway: Gateway) -> APIRouter:  # noqa: ARG001  like all its siblings
    """One document in two forms."""
    router = APIRouter()

    @router.get("/asyncapi")
    async def asyncapi() -> Response:
        return JsonResponse(_document())

    @router.get("/asyncapi.html", include_in_schema=False)
    async def html() -> Response:
        return HTMLResponse(_page(), headers=page.HEADERS)

    return router
