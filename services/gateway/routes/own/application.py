"""Puts our own API together: an application of its own, whose errors are problem details."""

from __future__ import annotations

from typing import Final

from fastapi import FastAPI

from services.gateway import problems
from services.gateway.gateway import Gateway
from services.gateway.routes.own import parked, runs, status, stream

PREFIX: Final = "/antiphon/v1"


def application(gateway: Gateway) -> FastAPI:
    """The application that stands under `PREFIX`."""
    app = FastAPI(title="Antiphon", version="1", openapi_url="/openapi.json", docs_url="/docs", redoc_url=None)
    for module in (stream, runs, parked, status):
        app.include_router(module.routes(gateway))
    problems.install(app)
    return app
