"""The description of an API for people; for programs FastAPI serves it beside, as `openapi.json`."""

from __future__ import annotations

from functools import cache

from fastapi import APIRouter, FastAPI
from starlette.responses import HTMLResponse, RedirectResponse, Response

from antiphon.services.gateway.docs_pages import openapi_page, page


def routes(app: FastAPI, place: str) -> APIRouter:
    """The page about all routes that the application has when it is asked for first."""
    router = APIRouter(include_in_schema=False)

    @cache
    def rendered() -> bytes:
        return openapi_page.render(app.openapi(), place, programs="openapi.json")

    @router.get("/docs")
    async def docs() -> Response:
        return HTMLResponse(rendered(), headers=page.HEADERS)

    @router.get("/redoc")
    async def redoc() -> Response:
        return RedirectResponse("docs")

    return router
