"""Assembles the application."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any, Final

from fastapi import FastAPI
from pydantic import BaseModel, Field
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp

from antiphon.services.gateway.consistency.staleness import StaleReadHeader
from antiphon.services.gateway.context import Gateway
from antiphon.services.gateway.docs_pages.page import VIEWERS, ViewerFiles
from antiphon.services.gateway.fast_path import WriteFastPath
from antiphon.services.gateway.http import errors, problems
from antiphon.services.gateway.routes.antiphon import health, pages, parked, runs, schemas, stream
from antiphon.services.gateway.routes.prefect import (
    absent,
    artifacts,
    deployments,
    event_reads,
    events,
    feeds,
    flow_run_inputs,
    flow_runs,
    flows,
    graphs,
    history,
    limits,
    logs,
    pool_queues,
    scheduled_tasks,
    service,
    tag_limits,
    task_runs,
    ui,
    variables,
    work_pools,
    work_queues,
)

_DESCRIPTION: Final = (
    "Prefect 3's API (server 3.8.8, API 0.8.4), as its SDK speaks it. What is not there yet answers 501."
)
_OWN_DESCRIPTION: Final = (
    "What the log tells over HTTP: state changes as they happen, the history of a run, the run as it was, and what was"
    " parked. Errors are problem details (RFC 9457)."
)
#: Smaller answers cost more to compress than to send.
_COMPRESSED_FROM_BYTES: Final = 16_000
#: For smaller answers a thread costs more time than the event loop gains.
_THREAD_FROM_BYTES: Final = 1 << 20
_MODULES: Final = (
    service,
    flows,
    flow_run_inputs,
    flow_runs,
    task_runs,
    logs,
    history,
    graphs,
    ui,
    events,
    event_reads,
    deployments,
    limits,
    tag_limits,
    work_pools,
    pool_queues,
    work_queues,
    variables,
    artifacts,
    scheduled_tasks,
)


class HTTPValidationError(BaseModel):
    """The answer to an invalid request; nothing has changed."""

    # It replaces FastAPI's schema of the same name.
    exception_message: str
    exception_detail: list[dict[str, Any]] = Field(description="Each error and its place, in Pydantic's words.")
    request_body: Any = Field(description="The body as it was understood.")


class PrefectApi(FastAPI):
    """An application that describes its errors as they are."""

    def openapi(self) -> dict[str, Any]:
        """The document."""
        document = super().openapi()
        document["components"]["schemas"][HTTPValidationError.__name__] = HTTPValidationError.model_json_schema()
        return document


def build(gateway: Gateway) -> ASGIApp:
    """The application of a gateway: Prefect's API under `/api`, Antiphon's own under `/antiphon/v1`."""
    app = PrefectApi(
        title="Antiphon",
        description=_DESCRIPTION,
        version=version("antiphon"),
        openapi_url="/api/openapi.json",
        # FastAPI's own pages load scripts from other servers.
        docs_url=None,
        redoc_url=None,
        # Prefect's clients may omit the content type.
        strict_content_type=False,
    )
    for module in _MODULES:
        app.include_router(module.router, prefix="/api")
    app.include_router(feeds.routes(gateway.nats), prefix="/api")
    # After all other resources, because it matches whole ones.
    app.include_router(absent.router, prefix="/api")
    app.include_router(pages.router)
    app.include_router(health.router)
    app.mount(VIEWERS, ViewerFiles())
    app.mount(pages.PREFIX, _own_application())
    errors.install(app)
    app.add_middleware(
        GZipMiddleware,
        minimum_size=_COMPRESSED_FROM_BYTES,
        compresslevel=1,
        thread_minimum_size=_THREAD_FROM_BYTES,
    )
    return ServerErrorMiddleware(WriteFastPath(StaleReadHeader(app), gateway), handler=errors.failed)


def _own_application() -> FastAPI:
    """Antiphon's own API: a separate application, whose errors are problem details."""
    app = FastAPI(
        title="Antiphon",
        description=_OWN_DESCRIPTION,
        version="1",
        servers=[{"url": pages.PREFIX}],
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    for router in (stream.router, runs.router, parked.router, schemas.router, health.status_router):
        app.include_router(router)
    problems.install(app)
    return app
