"""The page about an API; FastAPI serves its document beside the page, as `openapi.json`."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from antiphon.services.gateway.docs_pages.docs import openapi_page


def routes(title: str, prefix: str) -> APIRouter:
    """`docs` under a prefix; `redoc`, where FastAPI has another viewer, leads there."""
    router = APIRouter(include_in_schema=False)

    @router.get("/docs")
    async def docs() -> Response:
        return openapi_page(title, f"{prefix}/docs")

    @router.get("/redoc")
    async def redoc() -> Response:
        return RedirectResponse("docs")

    return router
