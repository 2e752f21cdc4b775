"""The AsyncAPI document, for programs and for people."""

from __future__ import annotations

from functools import cache

from fastapi import APIRouter
from starlette.responses import Response

from antiphon.services.gateway.context import Gateway
from antiphon.services.gateway.docs_pages.asyncapi import specification
from antiphon.services.gateway.docs_pages.docs import asyncapi_page
from antiphon.services.gateway.http.errors import JsonResponse


@cache
def _document() -> bytes:
    return specification().to_json().encode()


def routes(gateway: Gateway) -> APIRouter:  # noqa: ARG001  like all its siblings
    """The document as JSON and as a page."""
    router = APIRouter()

    @router.get("/asyncapi")
    async def asyncapi() -> Response:
        return JsonResponse(_document())

    @router.get("/asyncapi.html", include_in_schema=False)
    async def html() -> Response:
        return asyncapi_page("Messages on NATS", "/antiphon/v1/asyncapi.html")

    return router
