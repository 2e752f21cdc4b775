"""The errors of Antiphon's own routes, as problem details (RFC 9457); errors.py has Prefect's forms."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final

import orjson
import psycopg
import structlog
from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from psycopg_pool import PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import Response

from antiphon.events.log.errors import LogUnavailableError
from antiphon.services.gateway.http.errors import TOO_SLOW

MEDIA_TYPE: Final = "application/problem+json"

_log = structlog.get_logger(__name__)


def body(status: HTTPStatus, detail: str, **extensions: Any) -> bytes:
    """A problem as JSON; `about:blank` means that the status code alone gives its type (RFC 9457)."""
    problem = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail, **extensions}
    return orjson.dumps(problem, default=str)


def _response(status: HTTPStatus, detail: str, **extensions: Any) -> Response:
    return Response(body(status, detail, **extensions), status.value, media_type=MEDIA_TYPE)


async def _invalid(_: Request, error: RequestValidationError) -> Response:
    errors = [
        {"where": ".".join(map(str, item["loc"])), "what": item["msg"]} for item in jsonable_encoder(error.errors())
    ]
    detail = "; ".join(f"{item['where']}: {item['what']}" for item in errors)
    return _response(HTTPStatus.UNPROCESSABLE_ENTITY, detail, errors=errors)


async def _refused(_: Request, error: HTTPException) -> Response:
    return _response(HTTPStatus(error.status_code), str(error.detail))


async def _unavailable(request: Request, error: Exception) -> Response:
    _log.warning("answered 503", path=request.url.path, error=repr(error))
    if isinstance(error, psycopg.errors.QueryCanceled):
        return _response(HTTPStatus.SERVICE_UNAVAILABLE, TOO_SLOW)
    which = "The log" if isinstance(error, LogUnavailableError) else "The database"
    return _response(HTTPStatus.SERVICE_UNAVAILABLE, f"{which} does not answer; try again.")


async def _failed(request: Request, error: Exception) -> Response:
    _log.error("answered 500", path=request.url.path, exc_info=error)
    return _response(HTTPStatus.INTERNAL_SERVER_ERROR, "This is a fault of Antiphon's; its log says more.")


_HANDLERS: Final[dict[type[Exception], Callable[[Request, Any], Awaitable[Response]]]] = {
    RequestValidationError: _invalid,
    HTTPException: _refused,
    LogUnavailableError: _unavailable,
    psycopg.OperationalError: _unavailable,
    PoolTimeout: _unavailable,
    Exception: _failed,
}


def install(app: FastAPI) -> None:
    """Register the form of every failure."""
    for kind, handler in _HANDLERS.items():
        app.add_exception_handler(kind, handler)
