"""The pages for people: the audit page at `/audit`, and one about each API, beside its document."""

from __future__ import annotations

from functools import cache
from typing import Annotated

from fastapi import APIRouter, Header, Request
from starlette.responses import RedirectResponse, Response

from antiphon.events.log.errors import LogUnavailableError
from antiphon.services.gateway.context import gateway_of
from antiphon.services.gateway.docs_pages import page
from antiphon.services.gateway.docs_pages.asyncapi import specification
from antiphon.services.gateway.http.errors import JsonResponse, not_found

#: Antiphon's own API.
PREFIX = "/antiphon/v1"

IfNoneMatch = Annotated[str | None, Header()]

router = APIRouter()


@router.get("/audit", include_in_schema=False)
async def audit(if_none_match: IfNoneMatch = None) -> Response:
    return page.all_files()["audit.html"].response(if_none_match)


@router.get("/audit/{name}", include_in_schema=False)
async def file(name: str, if_none_match: IfNoneMatch = None) -> Response:
    found = page.all_files().get(name)
    if found is None or name == "audit.html":
        raise not_found(f"{name} is no part of the page.")
    return found.response(if_none_match)


@cache
def _document(host: str) -> bytes:
    return specification(host).to_json().encode()


@router.get(f"{PREFIX}/asyncapi")
async def asyncapi(request: Request) -> Response:
    address = gateway_of(request).nats.connected_url
    if address is None:
        raise LogUnavailableError("no NATS server is connected")
    return JsonResponse(_document(f"{address.hostname}:{address.port}"))


@router.get(f"{PREFIX}/asyncapi.html", include_in_schema=False)
async def html() -> Response:
    return page.viewer("Messages on NATS", f"{PREFIX}/asyncapi.html", page.ASYNCAPI_VIEWER)


def _add_docs(title: str, prefix: str) -> None:
    # FastAPI serves the document beside the page, as `openapi.json`; `redoc` is its other viewer.
    @router.get(f"{prefix}/docs", include_in_schema=False)
    async def docs() -> Response:
        return page.viewer(title, f"{prefix}/docs", page.SWAGGER_UI)

    @router.get(f"{prefix}/redoc", include_in_schema=False)
    async def redoc() -> Response:
        return RedirectResponse("docs")


_add_docs("Prefect's API", "/api")
_add_docs("The log over HTTP", PREFIX)
