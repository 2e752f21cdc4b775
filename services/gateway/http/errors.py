"""Prefect's forms of errors, and the error of each failure; no other module chooses a failure's status code."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from functools import partial
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
from starlette.responses import Response
from starlette.types import Scope

from antiphon.events.log.errors import LogUnavailableError

T = TypeVar("T")

_OLDEST_API: Final = (0, 8, 0)
#: Paths that clients of every version may call.
_UNVERSIONED: Final = frozenset({"/api/health", "/api/version"})

#: The message for a query that PostgreSQL has cancelled.
TOO_SLOW: Final = (
    "Service Unavailable: the query took longer than it may (ANTIPHON_QUERY_TIMEOUT_SECONDS), and was ended."
    " Ask for less: a shorter time, or filters that fewer runs meet."
)

#: The message for everything that is not implemented yet.
NOT_YET: Final = "Antiphon does not do this yet."

_log = structlog.get_logger(__name__)


class RequestTooLargeError(HTTPException):
    """The request is larger than a message of the log may be; send less at once."""

    def __init__(self, detail: str) -> None:
        super().__init__(413, detail)


class NotVisibleError(Exception):
    """An object was created, but no read shows it yet; repeating the request with its Idempotency-Key is safe."""


class UndecidedError(Exception):
    """The policy could not decide the command and parked it: see its log, and the stream PARKED."""


class JsonResponse(Response):
    """A response whose content is JSON bytes, or a small value to encode."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The bytes of the body."""
        return content if isinstance(content, bytes) else orjson.dumps(content)


#: The object does not exist.
not_found: Final = partial(HTTPException, 404)
#: The request contradicts the current state.
conflict: Final = partial(HTTPException, 409)
#: The request cannot be fulfilled.
bad_request: Final = partial(HTTPException, 400)
#: Nobody may do this.
forbidden: Final = partial(HTTPException, 403)
#: A value is out of its range, in the short form that Prefect uses for some.
unprocessable: Final = partial(HTTPException, 422)
#: The object existed once.
gone: Final = partial(HTTPException, 410)
#: Prefect implements it, and Antiphon does not yet.
absent: Final = partial(HTTPException, 501, NOT_YET)


def locked(detail: str, retry_after_seconds: float | None) -> HTTPException:
    """Other holders occupy the resource at the moment."""
    headers = None if retry_after_seconds is None else {"Retry-After": str(retry_after_seconds)}
    return HTTPException(423, detail, headers)


def missing_object(what: str, object_id: UUID | str) -> Response:
    """Prefect's other form of "not found": its models raise it, not its routes."""
    return missing(f"{what} with id {object_id} not found")


def missing(message: str) -> Response:
    """The same with another message."""
    return JsonResponse({"exception_message": message}, 404)


async def _invalid(_: Request, error: RequestValidationError) -> Response:
    content = {
        "exception_message": "Invalid request received.",
        "exception_detail": error.errors(),
        "request_body": error.body,
    }
    return JsonResponse(_quoted(jsonable_encoder(content)), 422)


def _quoted(content: Any) -> bytes:
    """JSON of any value that a request may contain: orjson refuses integers beyond 64 bits and lone surrogates."""
    try:
        return orjson.dumps(content, default=str)
    except orjson.JSONEncodeError:
        # NaN, which is not JSON, becomes null, as in orjson.
        text = json.dumps(content, default=str)
        return json.dumps(json.loads(text, parse_constant=lambda _: None)).encode()


async def _unavailable(request: Request, error: Exception) -> Response:
    _log.warning("answered 503", path=request.url.path, error=repr(error))
    return JsonResponse({"exception_message": "Service Unavailable"}, 503)


async def _too_slow(request: Request, error: Exception) -> Response:
    _log.warning("query ended", path=request.url.path, error=str(error).strip())
    return JsonResponse({"exception_message": TOO_SLOW}, 503)


async def failed(request: Request, error: Exception) -> Response:
    """The answer to an unexpected exception, which is a bug."""
    _log.error("answered 500", path=request.url.path, exc_info=error)
    return JsonResponse({"exception_message": "Internal Server Error"}, 500)


_HANDLERS: Final[dict[type[Exception], Callable[[Request, Any], Awaitable[Response]]]] = {
    HTTPException: http_exception_handler,
    RequestValidationError: _invalid,
    LogUnavailableError: _unavailable,
    # A subclass of the next one, so it comes first.
    psycopg.errors.QueryCanceled: _too_slow,
    psycopg.OperationalError: _unavailable,
    PoolTimeout: _unavailable,
    NotVisibleError: _unavailable,
}
#: Failures that have a form of their own; any other is a bug.
_EXPECTED: Final = tuple(_HANDLERS)


async def handled(request: Request, answer: Awaitable[T]) -> T | Response:
    """The result of a route, or the answer to an expected failure."""
    try:
        return await answer
    except _EXPECTED as error:
        handler = next(handler for kind, handler in _HANDLERS.items() if isinstance(error, kind))
        return await handler(request, error)


def install(app: FastAPI) -> None:
    """Register the form of every failure."""
    for kind, handler in _HANDLERS.items():
        app.add_exception_handler(kind, handler)
    app.add_exception_handler(Exception, failed)


def version_error(scope: Scope) -> Response | None:
    """The answer to a caller whose API version is older than Prefect 3's (docs/prefect/rules.md, section 9)."""
    for name, value in scope["headers"]:
        if name == b"x-prefect-api-version":
            if not value or value == b"0.8.4" or scope["path"] in _UNVERSIONED:
                return None
            why = _error_about(value.decode("latin-1"))
            return None if why is None else JsonResponse({"detail": why}, 400)
    return None


def _error_about(version: str) -> str | None:
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
