"""A short way to the routes that only read, past routing, middleware and FastAPI's own reading of bodies.

They stand in the application too, which answers whatever is unusual about a request, and says what is wrong with a
body. Measured with one client, the application around a route was two fifths of the gateway's work for a small read.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from inspect import signature
from typing import Any, Final, NamedTuple

from fastapi.params import Depends
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway import errors
from services.gateway.compression import respond
from services.gateway.requests import may_be_refused
from services.gateway.routes.bodies import BodyReader, Given

_JSON: Final = b"application/json"


class HotRead(NamedTuple):
    """A route that is asked with a body and nothing else."""

    read_body: BodyReader
    endpoint: Callable[..., Awaitable[Any]]


def hot_reads(prefix: str, routes: Iterable[BaseRoute]) -> dict[str, HotRead]:
    """Those of some routes, by their path."""
    found: dict[str, HotRead] = {}
    for route in routes:
        if not isinstance(route, APIRoute) or route.methods != {"POST"}:
            continue
        parameters = {name: each.default for name, each in signature(route.endpoint).parameters.items()}
        given = parameters.pop("given", None)
        reader = given.dependency if isinstance(given, Depends) else None
        if isinstance(reader, BodyReader) and parameters.keys() <= {"as_of"}:
            found[prefix + route.path] = HotRead(reader, route.endpoint)
    return found


class ShortWayToReads:
    """The application, with a short way for these routes."""

    def __init__(self, app: ASGIApp, reads: Mapping[str, HotRead]) -> None:
        self._app = app
        self._reads = reads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, or let the application answer it."""
        read = self._reads.get(scope["path"]) if _is_usual(scope) else None
        if read is None:
            await self._app(scope, receive, send)
            return
        messages = await _all_of(receive)
        given = _given(messages, read.read_body)
        if given is None:
            await self._app(scope, _again(messages, receive), send)
            return
        try:
            found = await read.endpoint(given)
            response = found if isinstance(found, Response) else errors.JsonResponse(found)
        except errors.EXPECTED as error:
            response = await errors.respond(Request(scope), error)
        await respond(response, scope, receive, send)


def _is_usual(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] != "POST" or scope["query_string"]:
        return False
    is_json = all(value == _JSON for name, value in scope["headers"] if name == b"content-type")
    return is_json and errors.complaint(scope) is None


async def _all_of(receive: Receive) -> list[Message]:
    """The messages that a body comes in, and the one that ends it too early."""
    messages = [await receive()]
    while messages[-1].get("more_body", False):
        messages.append(await receive())
    return messages


def _given(messages: Sequence[Message], read_body: BodyReader) -> Given | None:
    """What a body gives, if it is there and right."""
    if messages[-1]["type"] != "http.request":
        return None
    body: bytes = b"".join(message.get("body", b"") for message in messages)
    if may_be_refused(body):
        return None
    try:
        # As FastAPI does: other parsers make something else of very large numbers.
        value = json.loads(body)
    except ValueError:
        return None
    return read_body.at_once(value)


def _again(messages: Sequence[Message], receive: Receive) -> Receive:
    """The messages that were received already, and what follows."""
    received = iter(messages)

    async def receive_again() -> Message:
        return next(received, None) or await receive()

    return receive_again
