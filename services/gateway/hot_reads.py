"""A short way to the routes that only read, by an id or with a body, past routing, middleware and FastAPI.

They stand in the application too, which answers whatever is unusual about a request, and says what is wrong with a
body. Measured with one client, the application around a route was two fifths of the gateway's work for a small read.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from inspect import get_annotations, signature
from typing import Any, Final, NamedTuple
from uuid import UUID

from fastapi.params import Depends
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from antiphon.services.gateway.http import errors
from antiphon.services.gateway.http.body_parsing import may_be_refused
from antiphon.services.gateway.http.compression import respond
from antiphon.services.gateway.routes.prefect.bodies import BodyReader, Given

_JSON: Final = b"application/json"
_METHODS: Final = frozenset({"GET", "POST"})
#: The end of a path.
_ID: Final = "/{id:uuid}"
_ANSWERS: Final = frozenset({"Response", "int"})


class HotRead(NamedTuple):
    """A route that is asked with an id, or with a body."""

    endpoint: Callable[..., Awaitable[Any]]
    #: None where it is an id.
    read_body: BodyReader | None


def hot_reads(prefix: str, routes: Iterable[BaseRoute]) -> dict[str, HotRead]:
    """Those of some routes that are asked with nothing else, by their path."""
    found: dict[str, HotRead] = {}
    for route in routes:
        # What else a route may answer with FastAPI turns into JSON in a way of its own.
        if not isinstance(route, APIRoute) or get_annotations(route.endpoint).get("return") not in _ANSWERS:
            continue
        parameters = {name: each.default for name, each in signature(route.endpoint).parameters.items()}
        given = parameters.pop("given", None)
        reader = given.dependency if isinstance(given, Depends) else None
        if route.methods == {"POST"} and isinstance(reader, BodyReader) and parameters.keys() <= {"as_of"}:
            found[prefix + route.path] = HotRead(route.endpoint, reader)
        elif route.methods == {"GET"} and route.path.endswith(_ID) and parameters.keys() == {"id"}:
            found[prefix + route.path] = HotRead(route.endpoint, None)
    return found


class ShortWayToReads:
    """The application, with a short way for these routes."""

    def __init__(self, app: ASGIApp, reads: Mapping[str, HotRead]) -> None:
        self._app = app
        self._reads = reads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, or let the application answer it."""
        if not _is_usual(scope):
            await self._app(scope, receive, send)
        elif scope["method"] == "GET":
            await self._by_id(scope, receive, send)
        else:
            await self._with_body(scope, receive, send)

    async def _by_id(self, scope: Scope, receive: Receive, send: Send) -> None:
        folder, _, text = scope["path"].rpartition("/")
        read = self._reads.get(f"{folder}{_ID}")
        found = None if read is None else _id(text)
        if read is None or found is None:
            await self._app(scope, receive, send)
        else:
            await _answer(read.endpoint(found), scope, receive, send)

    async def _with_body(self, scope: Scope, receive: Receive, send: Send) -> None:
        read = self._reads.get(scope["path"])
        if read is None or read.read_body is None:
            await self._app(scope, receive, send)
            return
        messages = await _all_of(receive)
        given = _given(messages, read.read_body)
        if given is None:
            await self._app(scope, _again(messages, receive), send)
        else:
            await _answer(read.endpoint(given), scope, receive, send)


async def _answer(answering: Awaitable[Any], scope: Scope, receive: Receive, send: Send) -> None:
    found = await errors.answered(Request(scope), answering)
    response = found if isinstance(found, Response) else errors.JsonResponse(found)
    await respond(response, scope, receive, send)


def _is_usual(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] not in _METHODS or scope["query_string"]:
        return False
    is_json = all(value == _JSON for name, value in scope["headers"] if name == b"content-type")
    return is_json and errors.complaint(scope) is None


def _id(text: str) -> UUID | None:
    """The id that a text is in its usual form."""
    try:
        found = UUID(text)
    except ValueError:
        return None
    return found if str(found) == text else None


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
