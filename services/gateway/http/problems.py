"""The errors of Antiphon's own routes, as problem details (RFC 9457); errors.py has Prefect's forms."""

from __future__ import annotations

from functools import partial
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


class ProblemError(Exception):
    """Why a request cannot be answered, and how the caller can continue."""

    def __init__(self, status: HTTPStatus, detail: str, **extensions: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.extensions = extensions


#: The object does not exist.
not_found: Final = partial(ProblemError, HTTPStatus.NOT_FOUND)
#: The request contradicts the current state.
conflict: Final = partial(ProblemError, HTTPStatus.CONFLICT)
#: The request makes no sense.
invalid: Final = partial(ProblemError, HTTPStatus.UNPROCESSABLE_ENTITY)


def body(status: HTTPStatus, detail: str, **extensions: Any) -> bytes:
    """A problem as JSON; `about:blank` means that the status code alone gives its type (RFC 9457)."""
    problem = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail, **extensions}
    return orjson.dumps(problem, default=str)


def _response(status: HTTPStatus, detail: str, **extensions: Any) -> Response:
    return Response(body(status, detail, **extensions), status.value, media_type=MEDIA_TYPE)


async def _problem(_: Request, error: Exception) -> Response:
    if not isinstance(error, ProblemError):
        raise error
    return _response(error.status, error.detail, **error.extensions)


async def _invalid(_: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    errors = [
        {"where": ".".join(map(str, item["loc"])), "what": item["msg"]} for item in jsonable_encoder(error.errors())
    ]
    detail = "; ".join(f"{item['where']}: {item['what']}" for item in errors)
    return _response(HTTPStatus.UNPROCESSABLE_ENTITY, detail, errors=errors)


async def _refused(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
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


def install(app: FastAPI) -> None:
    """Register the form of every failure."""
    app.add_exception_handler(ProblemError, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)
    for kind in (LogUnavailableError, psycopg.OperationalError, PoolTimeout):
        app.add_exception_handler(kind, _unavailable)
    app.add_exception_handler(Exception, _failed)
