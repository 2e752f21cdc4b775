"""Refuses request bodies that could not be stored."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from antiphon.events.json_bytes import without_nul
from antiphon.services.gateway.http.errors import bad_request, not_found, unprocessable

#: A surrogate, escaped or not: Python's parser takes both, and one without the other is no character.
_SURROGATE = re.compile(rb"\\u[dD]|\xed[\xa0-\xbf]")
#: The deepest nesting of JSON that is accepted: pydantic, which decodes the log, gives up at 200.
_DEEPEST = 195
_UNREADABLE = "There was an error parsing the body"


class CheckedRequest(Request):
    """A request that refuses bodies that could not be stored."""

    async def body(self) -> bytes:
        """The body without NUL characters; the JSON value null counts as no body, as on Prefect's server."""
        body = without_nul(await super().body())
        return b"" if body.strip() == b"null" else body

    async def json(self) -> Any:
        """The JSON value of the body."""
        value = await super().json()
        _refuse_deep(value, await self.body())
        refuse_unstorable(value, await self.body())
        return value


class CheckedRoute(APIRoute):
    """A route that takes CheckedRequest."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, given checked requests."""
        handle = super().get_route_handler()

        async def checked(request: Request) -> Response:
            if any("\x00" in str(value) for value in request.path_params.values()):
                raise not_found("Not Found")
            try:
                return await handle(CheckedRequest(request.scope, request.receive))
            except HTTPException as error:
                # FastAPI reports every failure of reading a body as invalid JSON.
                if isinstance(error.__cause__, RequestValidationError):
                    raise error.__cause__ from None
                raise

        return checked


def refuse_unstorable(value: Any, body: bytes) -> None:
    """Raise RequestValidationError if a string of the JSON value contains a lone surrogate."""
    if _SURROGATE.search(body):
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            why = "Value error, a lone surrogate is no character"
            problem = {"type": "value_error", "loc": ("body",), "msg": why, "input": None}
            raise RequestValidationError([problem]) from error


def refuse_unkeepable(made: Any) -> None:
    """Refuse a value made by the gateway, as if the request had contained it."""
    try:
        text = json.dumps(made, allow_nan=False).encode()
    except ValueError as error:
        raise unprocessable(str(error)) from error
    _refuse_deep(made, text)
    refuse_unstorable(made, text)


def may_be_refused(body: bytes) -> bool:
    """Whether the JSON value of a body must be searched for parts that cannot be stored."""
    return _SURROGATE.search(body) is not None or _may_be_deep(body)


def _may_be_deep(body: bytes) -> bool:
    return body.count(b"[") + body.count(b"{") > _DEEPEST


def _refuse_deep(value: Any, body: bytes) -> None:
    """Refuse JSON that is nested too deep, as Prefect's parser does."""
    if not _may_be_deep(body):
        return
    level = [value]
    for _ in range(_DEEPEST):
        inner = [each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list)]
        level = [item for items in inner for item in items]
        if not level:
            return
    raise bad_request(_UNREADABLE)
