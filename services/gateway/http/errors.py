"""The shapes of Prefect's errors, and which failure has which; no other module names a status of failure."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar
from uuid import UUID

import orjson
import psycopg
import structlog
from fastapi import FastAPI, HTTPException, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exception_handlers import http_exception_handler
from fastapi.exceptions import RequestValidationError
from psycopg_pool import PoolTimeout
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from antiphon.events.log.errors import LogUnavailableError

T = TypeVar("T")

_OLDEST_API: Final = (0, 8, 0)
#: Not asked for a version.
_UNVERSIONED: Final = frozenset({"/api/health", "/api/version"})

#: What is said of a query that PostgreSQL has ended.
TOO_SLOW: Final = (
    "Service Unavailable: the query took longer than it may (ANTIPHON_QUERY_TIMEOUT_SECONDS), and was ended."
    " Ask for less: a shorter time, or filters that fewer runs meet."
)

#: What is said of everything that is not there yet.
NOT_YET: Final = "Antiphon does not do this yet."

_log = structlog.get_logger(__name__)


class TooLargeError(Exception):
    """A request is larger than a message of the log may be; send less at once."""


class NotVisibleError(Exception):
    """Something was created, but no read shows it yet; repeating the request with its Idempotency-Key is safe."""


class UndecidedError(Exception):
    """The policy could not decide a command, and put it aside: see its log, and the stream PARKED."""


class JsonResponse(Response):
    """JSON that is bytes already, or a small value."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The bytes of the body."""
        return content if isinstance(content, bytes) else orjson.dumps(content)


def not_found(detail: str) -> HTTPException:
    """A resource is not there."""
    return HTTPException(404, detail)


def conflict(detail: str) -> HTTPException:
    """What was asked contradicts what is there."""
    return HTTPException(409, detail)


def bad_request(detail: str) -> HTTPException:
    """What was asked cannot be done."""
    return HTTPException(400, detail)


def forbidden(detail: str) -> HTTPException:
    """What was asked is for nobody."""
    return HTTPException(403, detail)


def unprocessable(detail: str) -> HTTPException:
    """A value is out of its range, in the short form Prefect uses for some."""
    return HTTPException(422, detail)


def absent() -> HTTPException:
    """Prefect does it, and Antiphon does not do it yet."""
    return HTTPException(501, NOT_YET)


def gone(detail: str) -> HTTPException:
    """A resource was there once."""
    return HTTPException(410, detail)


def locked(detail: str, retry_after_seconds: float | None) -> HTTPException:
    """Something is taken by others at the moment."""
    headers = None if retry_after_seconds is None else {"Retry-After": str(retry_after_seconds)}
    return HTTPException(423, detail, headers)


def missing_object(what: str, object_id: UUID) -> Response:
    """Prefect's other form of not found, for what its models miss rather than its routes."""
    return missing(f"{what} with id {object_id} not found")


def missing(message: str) -> Response:
    """The same, in other words."""
    return JsonResponse({"exception_message": message}, 404)


async def _invalid(_: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    content = {
        "exception_message": "Invalid request received.",
        "exception_detail": error.errors(),
        "request_body": error.body,
    }
    return JsonResponse(_quoted(jsonable_encoder(content)), 422)


def _quoted(content: Any) -> bytes:
    """JSON of whatever a request may hold: orjson takes neither integers beyond 64 bits nor lone surrogates."""
    try:
        return orjson.dumps(content, default=str)
    except orjson.JSONEncodeError:
        # The way through text turns NaN, which is no JSON, into null, as orjson does.
        text = json.dumps(content, default=str)
        return json.dumps(json.loads(text, parse_constant=lambda _: None)).encode()


async def _unavailable(request: Request, error: Exception) -> Response:
    _log.warning("answered 503", path=request.url.path, error=repr(error))
    return JsonResponse({"exception_message": "Service Unavailable"}, 503)


async def _too_slow(request: Request, error: Exception) -> Response:
    _log.warning("query ended", path=request.url.path, error=str(error).strip())
    return JsonResponse({"exception_message": TOO_SLOW}, 503)


async def _too_large(_: Request, error: Exception) -> Response:
    return JsonResponse({"detail": str(error)}, 413)


async def _failed(request: Request, error: Exception) -> Response:
    _log.error("answered 500", path=request.url.path, exc_info=error)
    return JsonResponse({"exception_message": "Internal Server Error"}, 500)


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return await http_exception_handler(request, error)


_HANDLERS: Final[dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]]] = {
    HTTPException: _refused,
    RequestValidationError: _invalid,
    LogUnavailableError: _unavailable,
    # Before the kind of error that it is one of.
    psycopg.errors.QueryCanceled: _too_slow,
    psycopg.OperationalError: _unavailable,
    PoolTimeout: _unavailable,
    NotVisibleError: _unavailable,
    TooLargeError: _too_large,
}
#: The failures that have a shape of their own; any other is a fault of ours.
_EXPECTED: Final = tuple(_HANDLERS)


async def answered(request: Request, answering: Awaitable[T]) -> T | Response:
    """What a route gives, or the answer to a request that failed in an expected way."""
    try:
        return await answering
    except _EXPECTED as error:
        handler = next(handler for kind, handler in _HANDLERS.items() if isinstance(error, kind))
        return await handler(request, error)


def install(app: FastAPI) -> None:
    """Give every failure its shape."""
    for kind, handler in _HANDLERS.items():
        if kind is not HTTPException:
            app.add_exception_handler(kind, handler)
    app.add_exception_handler(Exception, _failed)


def with_last_resort(app: ASGIApp) -> ASGIApp:
    """The application, answering 500 in Prefect's shape to whatever else goes wrong in it."""
    return ServerErrorMiddleware(app, handler=_failed)


class CheckVersion:
    """Refuses callers that speak an API version which is older than Prefect 3's (rules.md section 9)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or answer it."""
        why = complaint(scope) if scope["type"] == "http" else None
        if why is None:
            await self._app(scope, receive, send)
        else:
            await JsonResponse({"detail": why}, 400)(scope, receive, send)


def complaint(scope: Scope) -> str | None:
    """What is wrong with the API version that a request names, if anything."""
    for name, value in scope["headers"]:
        if name == b"x-prefect-api-version":
            if not value or value == b"0.8.4" or scope["path"] in _UNVERSIONED:
                return None
            return _complaint_about(value.decode("latin-1"))
    return None


def _complaint_about(version: str) -> str | None:
    try:
        major, minor, patch = (int(part) for part in version.split("."))
    except ValueError:
        return f"Invalid X-PREFECT-API-VERSION header format.Expected header in format 'x.y.z' but received {version}"
    if (major, minor, patch) < _OLDEST_API:
        return (
            f"The request specified API version {version} but this server requires version"
            f" {'.'.join(map(str, _OLDEST_API))} or higher."
        )
    return None
