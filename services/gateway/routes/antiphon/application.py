"""Assembles Antiphon's own API: a separate application, whose errors are problem details."""

from __future__ import annotations

from typing import Final

from fastapi import FastAPI

from antiphon.services.gateway.context import Gateway
from antiphon.services.gateway.http import problems
from antiphon.services.gateway.routes.antiphon import docs, parked, runs, status, stream

PREFIX: Final = "/antiphon/v1"
_DESCRIPTION: Final = (
    "What the log tells over HTTP: state changes as they happen, the history of a run, the run as it was, and what was"
    " parked. Errors are problem details (RFC 9457)."
)


def application(gateway: Gateway) -> FastAPI:
    """The application to mount under `PREFIX`."""
    app = FastAPI(
        title="Antiphon",
        description=_DESCRIPTION,
        version="1",
        servers=[{"url": PREFIX}],
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    for module in (stream, runs, parked, status):
        app.include_router(module.routes(gateway))
    app.include_router(docs.routes("The log over HTTP", PREFIX))
    problems.install(app)
    return app
